package codes

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/errstatus/errstatus/internal/template"
)

var (
	errZeroTemplate   = errors.New("remove it, because success has no message")
	errNoRowTemplate  = errors.New("add a template with the same parameters to the row, or remove this one")
	errPlainParameter = errors.New("put it in the template only, because the message is sent for errors without parameters")
)

// checkTemplate returns what is wrong with the template of a row, and with its messages
// beside the template.
func checkTemplate(row Row) (wrong []error) {
	if row.Template == "" {
		return nil
	}
	if row.Code.Number() == 0 {
		wrong = append(wrong, fmt.Errorf("number 0 has the template %q: %w", row.Template, errZeroTemplate))
	}
	if err := cmp.Or(checkText(row.Template, nil), template.Check(row.Template)); err != nil {
		wrong = append(wrong, fmt.Errorf("template %q %w", row.Template, err))
	}
	if err := checkNoParameter(row.Message); err != nil {
		wrong = append(wrong, fmt.Errorf("message %q %w", row.Message, err))
	}
	return wrong
}

// checkText refuses a text that breaks the rules of messages. It may have the allowed
// invisible characters.
func checkText(text string, allowed []rune) error {
	if !utf8.ValidString(text) {
		return errNotUTF8
	}
	return cmp.Or(checkSeen(text, allowed), checkSpaces(text))
}

// checkNoParameter refuses a message with a parameter.
func checkNoParameter(message string) error {
	if name, ok := template.Parameter(message); ok {
		return fmt.Errorf("has the parameter {%s}: %w", name, errPlainParameter)
	}
	return nil
}

// checkLocalizedTemplate refuses a localized template that breaks the rules of templates, or
// that has other parameters than the template of the row. It may be empty.
func checkLocalizedTemplate(row Row, localized string) error {
	if localized == "" {
		return nil
	}
	if err := checkText(localized, joiners); err != nil {
		return err
	}
	if row.Template == "" {
		return fmt.Errorf("without a template of the row: %w", errNoRowTemplate)
	}
	return cmp.Or(checkSameParameters(row.Template, localized), template.Check(localized))
}

// checkSameParameters refuses a localized template that lacks a parameter of the row's
// template, or that has another. The order may differ.
func checkSameParameters(rowTemplate, localized string) error {
	want := slices.Collect(template.Names(rowTemplate))
	got := slices.Collect(template.Names(localized))
	for _, name := range got {
		if !slices.Contains(want, name) {
			return fmt.Errorf("has the parameter {%s}, which the row's template %q doesn't have: use the same parameters in both", name, rowTemplate)
		}
	}
	for _, name := range want {
		if !slices.Contains(got, name) {
			return fmt.Errorf("lacks the parameter {%s} of the row's template %q: use the same parameters in both", name, rowTemplate)
		}
	}
	return nil
}

// withoutTemplates returns localized messages without their templates. It changes none of
// them. It leaves out those that have only a template.
func withoutTemplates(messages []LocalizedMessage) []LocalizedMessage {
	if !slices.ContainsFunc(messages, func(m LocalizedMessage) bool { return m.Template != "" }) {
		return messages
	}
	var plain []LocalizedMessage
	for _, m := range messages {
		if m.Message != "" {
			plain = append(plain, LocalizedMessage{Locale: m.Locale, Message: m.Message})
		}
	}
	return slices.Clip(plain)
}
