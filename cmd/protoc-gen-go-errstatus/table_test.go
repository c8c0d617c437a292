package main

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/types/descriptorpb"
)

func TestPluginRefuses(t *testing.T) {
	const ok = `grpc_code: NOT_FOUND message: "sold out"`
	shop := func(more ...string) string { return enumText("ShopCode", "shop.example.com", more...) }
	tests := []struct {
		name string
		file string
		want []string
	}{
		{
			name: "a value without row",
			file: shop(`value { name: "SoldOut" number: 7 }`),
			want: []string{"shop/v1/shop.proto:14:3", "shop.v1.SoldOut", "(errstatus.v1.row)", "grpc_code"},
		},
		{
			name: "several values without row, all at once",
			file: shop(`value { name: "SoldOut" number: 7 }`, valueText("Late", "8", ok), `value { name: "Lost" number: 9 }`),
			want: []string{"shop/v1/shop.proto:14:3: shop.v1.SoldOut", "shop/v1/shop.proto:16:3: shop.v1.Lost"},
		},
		{
			name: "a row in an enum without domain",
			file: `enum_type { name: "ShopCode" value { name: "Fine" number: 0 } ` + valueText("SoldOut", "7", ok) + `}`,
			want: []string{"shop/v1/shop.proto:12:3", "shop.v1.SoldOut", "shop.v1.ShopCode", "(errstatus.v1.domain)"},
		},
		{
			name: "an empty domain",
			file: enumText("ShopCode", ""),
			want: []string{"shop/v1/shop.proto:10:1", "shop.v1.ShopCode", "domain has 0 bytes"},
		},
		{
			name: "an OK row for an error",
			file: shop(valueText("SoldOut", "7", `message: "sold out"`)),
			want: []string{"shop/v1/shop.proto:14:3", "SoldOut = 7", "has no grpc_code or OK"},
		},
		{
			name: "a canonical code of 17",
			file: shop(valueText("SoldOut", "7", `grpc_code: 17 message: "sold out"`)),
			want: []string{"SoldOut = 7", "17", "outside 0..16"},
		},
		{
			name: "a malformed reason",
			file: shop(valueText("SoldOut", "7", ok+` reason: "sold-out"`)),
			want: []string{"SoldOut = 7", `"sold-out"`, "AIP-193"},
		},
		{
			name: "the reason of another value",
			file: shop(valueText("SoldOut", "7", ok), valueText("Gone", "8", ok+` reason: "SOLD_OUT"`)),
			want: []string{"Gone = 8", `"SOLD_OUT"`, "already belongs to SoldOut"},
		},
		{
			name: "a message that begins with a space",
			file: shop(valueText("SoldOut", "7", `grpc_code: NOT_FOUND message: " sold out"`)),
			want: []string{"shop/v1/shop.proto:14:3: shop.v1.SoldOut (SoldOut = 7), option (errstatus.v1.row): ", `message " sold out" begins or ends with a space`},
		},
		{
			name: "a message of spaces",
			file: shop(valueText("SoldOut", "7", `grpc_code: NOT_FOUND message: "  "`)),
			want: []string{"shop/v1/shop.proto:14:3: shop.v1.SoldOut (SoldOut = 7), option (errstatus.v1.row): ", `message "  " has only spaces`},
		},
		{
			name: "a localized message that ends with a space",
			file: shop(valueText("SoldOut", "7", ok+` localized { locale: "de" message: "weg " }`)),
			want: []string{"shop/v1/shop.proto:14:3: shop.v1.SoldOut (SoldOut = 7), option (errstatus.v1.row): ", `localized message "weg " for locale "de" begins or ends with a space`},
		},
		{
			name: "a language tag with an underscore",
			file: shop(valueText("SoldOut", "7", ok+` localized { locale: "zh_CN" message: "售罄" }`)),
			want: []string{"shop/v1/shop.proto:14:3: shop.v1.SoldOut (SoldOut = 7), option (errstatus.v1.row): ", `localized message "售罄": locale "zh_CN" is not a BCP 47 language tag`},
		},
		{
			name: "invisible characters in two rows",
			file: shop(valueText("SoldOut", "7", `grpc_code: NOT_FOUND message: "sold\nout"`), valueText("Gone", "8", ok+` localized { locale: "he" message: "\342\200\256" }`)),
			want: []string{
				`shop/v1/shop.proto:14:3: shop.v1.SoldOut (SoldOut = 7), option (errstatus.v1.row): message "sold\nout" has the invisible character U+000A at byte 4`,
				`shop/v1/shop.proto:15:3: shop.v1.Gone (Gone = 8), option (errstatus.v1.row): localized message "\u202e" for locale "he" has the invisible character U+202E at byte 0`,
			},
		},
		{
			name: "a short reason for an error",
			file: shop(valueText("SHOP_CODE_NO", "7", ok)),
			want: []string{"shop/v1/shop.proto:14:3: shop.v1.SHOP_CODE_NO (No = 7)", `reason "NO" must match`, "set another reason"},
		},
		{
			name: "an alias with a row of its own",
			file: strings.Replace(shop(valueText("SoldOut", "7", ok), valueText("Gone", "7", ok)), "options {", "options { allow_alias: true", 1),
			want: []string{"shop/v1/shop.proto:15:3: shop.v1.Gone is an alias of shop.v1.SoldOut and has the option (errstatus.v1.row): remove the option"},
		},
		{
			name: "a negative number",
			file: shop(valueText("SoldOut", "-7", ok)),
			want: []string{"SoldOut = -7", "negative"},
		},
		{
			name: "a fault without a name",
			file: shop(valueText("SoldOut", "7", ok+` fault: 257`)),
			want: []string{"shop/v1/shop.proto:14:3: shop.v1.SoldOut has the fault 257", "(errstatus.v1.row)", "FAULT_SERVER"},
		},
		{
			name: "a retry without a name",
			file: shop(valueText("SoldOut", "7", ok+` retry: 257`)),
			want: []string{"shop/v1/shop.proto:14:3: shop.v1.SoldOut has the retry 257", "(errstatus.v1.row)", "RETRY_CALL"},
		},
		{
			name: "a default canonical code of 17",
			file: strings.Replace(shop(), "options {", "options { [errstatus.v1.default_grpc_code]: 17", 1),
			want: []string{"shop/v1/shop.proto:10:1: enum shop.v1.ShopCode has the option (errstatus.v1.default_grpc_code) = 17", "such as INTERNAL"},
		},
		{
			name: "a fault for number 0",
			file: strings.Replace(shop(), `message: "fine"`, `message: "fine" fault: FAULT_CALLER`, 1),
			want: []string{"shop/v1/shop.proto:11:3", "Fine = 0", "number 0 has the fault caller"},
		},
		{
			name: "two default rows for a canonical code",
			file: shop(valueText("SoldOut", "7", ok+` default: true`), valueText("Gone", "8", ok+` default: true`)),
			want: []string{"Gone = 8", "second default row for NOT_FOUND, after SoldOut"},
		},
		{
			name: "a nested enum",
			file: `message_type { name: "Order" nested_type { name: "Line" ` + shop(`value { name: "SoldOut" number: 7 }`) + `} }`,
			want: []string{"shop/v1/shop.proto:14:3", "shop.v1.Order.Line.SoldOut"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := parseFile(t, tt.file)
			out, err := runPlugin(t, "", file)
			if err == nil {
				t.Fatalf("the plugin generated %v; want an error with each of %q", out, tt.want)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the plugin's error is\n%v\nwant it to contain %q", err, want)
				}
			}
		})
	}
}

// Some compilers send no positions. The error then begins with the file's name.
func TestErrorWithoutPositionsNamesTheFile(t *testing.T) {
	file := parseFile(t, enumText("ShopCode", "shop.example.com", `value { name: "SoldOut" number: 7 }`))
	file.SourceCodeInfo = nil
	_, err := runPlugin(t, "", file)
	if want := "shop/v1/shop.proto: shop.v1.SoldOut "; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("the plugin's error is %v; want it to begin with %q", err, want)
	}
}

func TestNoOutputForFilesWithoutATable(t *testing.T) {
	plain := parseFile(t, `enum_type { name: "Colour" value { name: "RED" number: 0 } } message_type { name: "Order" }`)
	table := parseFile(t, enumText("ShopCode", "shop.example.com"))
	other := parseFile(t, `name: "shop/v1/other.proto" dependency: "shop/v1/shop.proto" message_type { name: "Other" }`)
	for name, files := range map[string][]*descriptorpb.FileDescriptorProto{
		"an enum without options":     {plain},
		"a table in an imported file": {table, other},
		"an imported file with enums": {plain, other},
	} {
		out, err := runPlugin(t, "", files...)
		if err != nil || len(out) != 0 {
			t.Errorf("%s: the plugin generated %v, %v; want nothing", name, out, err)
		}
	}
}

func TestRowsFollowTheOptions(t *testing.T) {
	file := parseFile(t, enumText("ShopCode", "shop.example.com",
		valueText("SoldOut", "7", `grpc_code: NOT_FOUND message: "sold \"out\"" reason: "OUT_OF_STOCK" default: true fault: FAULT_TRANSIENT
			localized { locale: "zh" message: "售罄" } localized { locale: "pt-BR" message: "esgotado" }`)))
	out, err := runPlugin(t, "", file)
	if err != nil {
		t.Fatal(err)
	}
	got := squeeze(out["example.com/shop/shop_errstatus.pb.go"])
	want := squeeze(`{
		Code: SoldOut,
		Name: "SoldOut",
		Reason: "OUT_OF_STOCK",
		GRPCCode: 5, // NOT_FOUND
		Message: "sold \"out\"",
		Localized: []codes.LocalizedMessage{
			{Locale: "zh", Message: "售罄"},
			{Locale: "pt-BR", Message: "esgotado"},
		},
		Default: true,
		FaultOverride: codes.FaultTransient,
	},`)
	if !strings.Contains(got, want) {
		t.Errorf("the generated rows are\n%s\nwant them to contain\n%s", got, want)
	}
}

// squeeze replaces each run of spaces, with which gofmt aligns, by one space.
func squeeze(source string) string { return strings.Join(strings.Fields(source), " ") }

// The value of number 0 often ends in _OK. Its reason OK is too short for any other number.
func TestZeroValueCalledOK(t *testing.T) {
	file := parseFile(t, strings.Replace(enumText("ShopCode", "shop.example.com"), `"Fine"`, `"SHOP_CODE_OK"`, 1))
	out, err := runPlugin(t, "", file)
	if err != nil {
		t.Fatal(err)
	}
	source := squeeze(out["example.com/shop/shop_errstatus.pb.go"])
	for _, want := range []string{`Ok ShopCode = 0`, `Code: Ok, Name: "Ok", OtherNames: []string{"SHOP_CODE_OK"}, Reason: "OK", GRPCCode: 0, // OK`} {
		if !strings.Contains(source, want) {
			t.Errorf("the output is\n%s\nwant it to contain %q", source, want)
		}
	}
}

func TestNamesAndReasons(t *testing.T) {
	tests := []struct {
		enum, value string
		wantName    string
		wantReason  string
	}{
		{"ErrorCode", "RecordNotFound", "RecordNotFound", "RECORD_NOT_FOUND"},
		{"ErrorCode", "SdkUserIDNotFound", "SdkUserIDNotFound", "SDK_USER_ID_NOT_FOUND"},
		{"ErrorCode", "recordNotFound", "RecordNotFound", "RECORD_NOT_FOUND"},
		{"BillingCode", "BILLING_CODE_CARD_DECLINED", "CardDeclined", "CARD_DECLINED"},
		{"BillingCode", "BILLING_CODE_OKAY", "Okay", "OKAY"},
		{"BillingCode", "CARD_DECLINED", "CardDeclined", "CARD_DECLINED"},
		{"BillingCode", "BILLING_CODE", "BillingCode", "BILLING_CODE"},
		{"IOSPush", "IOS_PUSH_TOKEN_STALE", "TokenStale", "TOKEN_STALE"},
		// The reason comes from the name of the value, not from the Go name.
		{"BillingCode", "BILLING_CODE_SIDE_A_B_MIXED", "SideABMixed", "SIDE_A_B_MIXED"},
		{"BillingCode", "BILLING_CODE_HTTP_2_ERROR", "Http2Error", "HTTP_2_ERROR"},
	}
	for _, tt := range tests {
		t.Run(tt.value, func(t *testing.T) {
			domain := strings.ToLower(tt.enum) + ".example.com"
			text := enumText(tt.enum, domain, valueText(tt.value, "7", `grpc_code: NOT_FOUND message: "m"`))
			if tt.wantName == tt.enum { // a constant with the name of its type
				text = enumText(tt.enum+"s", domain, valueText(tt.value, "7", `grpc_code: NOT_FOUND message: "m"`))
			}
			out, err := runPlugin(t, "", parseFile(t, text))
			if err != nil {
				t.Fatal(err)
			}
			got := squeeze(out["example.com/shop/shop_errstatus.pb.go"])
			for _, want := range []string{
				"Code: " + tt.wantName + ", ",
				`Name: "` + tt.wantName + `", `,
				`Reason: "` + tt.wantReason + `", GRPCCode: 5,`,
			} {
				if !strings.Contains(got, want) {
					t.Errorf("%s of %s: the generated rows don't contain %q; they end with\n%s", tt.value, tt.enum, want, got[max(0, len(got)-300):])
				}
			}
		})
	}
}
