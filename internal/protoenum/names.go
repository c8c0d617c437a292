package protoenum

import (
	"strings"
	"unicode"

	"google.golang.org/protobuf/compiler/protogen"
)

// ShortName returns the Go name of a value without that of its enum: RecordNotFound for
// RecordNotFound, CardDeclined for BILLING_CODE_CARD_DECLINED of BillingCode. A row with a
// go_name has that instead.
func ShortName(enum *protogen.Enum, value *protogen.EnumValue) string {
	name := string(value.Desc.Name())
	if !isUpperSnake(name) {
		return strings.ToUpper(name[:1]) + name[1:]
	}
	var camel strings.Builder
	for word := range strings.SplitSeq(trimEnum(enum, name), "_") {
		if word != "" {
			camel.WriteString(word[:1] + strings.ToLower(word[1:]))
		}
	}
	return camel.String()
}

// reasonOf returns the default reason of a value: RECORD_NOT_FOUND for
// RecordNotFound, CARD_DECLINED for BILLING_CODE_CARD_DECLINED of BillingCode. A reason
// begins with a letter, so for CODE_2FA_REQUIRED of Code it is the whole name. For number 0,
// OK replaces the reserved reasons INTERNAL and UNKNOWN: many enums begin with UNKNOWN.
func reasonOf(enum *protogen.Enum, value *protogen.EnumValue) string {
	reason := string(value.Desc.Name())
	if !isUpperSnake(reason) {
		reason = upperSnake(reason)
	} else if trimmed := trimEnum(enum, reason); trimmed != "" && unicode.IsLetter(rune(trimmed[0])) {
		reason = trimmed
	}
	if value.Desc.Number() == 0 && isReserved(reason) {
		return "OK"
	}
	return reason
}

// isReserved reports whether a reason or name belongs to the table itself, unless one of its
// rows is the default for that canonical code.
func isReserved(name string) bool { return name == "INTERNAL" || name == "UNKNOWN" }

func isUpperSnake(name string) bool { return strings.ToUpper(name) == name }

// trimEnum removes the enum's name from the beginning of a name in upper snake
// case.
func trimEnum(enum *protogen.Enum, name string) string {
	return strings.TrimPrefix(name, upperSnake(string(enum.Desc.Name()))+"_")
}

// upperSnake returns a name in upper snake case: RECORD_NOT_FOUND for
// RecordNotFound, IOS_PUSH for IOSPush. A word begins at a capital after a small
// letter or digit, and at the last of several capitals before a small letter.
func upperSnake(name string) string {
	runes := []rune(name)
	var b strings.Builder
	for i, r := range runes {
		afterSmall := i > 0 && !unicode.IsUpper(runes[i-1]) && runes[i-1] != '_'
		endOfRun := i > 0 && unicode.IsUpper(runes[i-1]) && i+1 < len(runes) && unicode.IsLower(runes[i+1])
		if unicode.IsUpper(r) && (afterSmall || endOfRun) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToUpper(r))
	}
	return b.String()
}
