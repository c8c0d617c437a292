package codes

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/errstatus/errstatus/internal/template"
	"github.com/errstatus/errstatus/internal/text"
)

// Translate returns a copy of a table with texts in one more language, such as those of a
// translator's file. texts has them by the reasons of the codes:
//
//	table, err := codes.Translate(billing.CardDeclined.Table(), "pt-BR", map[string]string{
//		"CARD_DECLINED": "o cartão {card} foi recusado",
//		"BANK_SILENT":   "o banco não responde",
//	})
//
// If the code's row has a Template, the text is the template in that language. It must have
// the same parameters, in any order. Otherwise the text is the message, without parameters.
// A text replaces that of the same locale. A row with a template can also have a localized
// message for errors without parameters. Translate doesn't change it: if there is none, such an
// error has no text in that language. Rows whose reason isn't in texts stay as they are. A text for
// number 0 is kept too, though it is never sent.
//
// Translate returns an error if the table is nil or empty, or the locale is no language tag of
// BCP 47. It returns one for each text that has no row, other parameters than its row, or
// breaks the rules of [NewTable]. errors.Join holds all of them, in the order of the reasons.
func Translate(table *Table, locale string, texts map[string]string) (*Table, error) {
	if table == nil || len(table.rows) == 0 {
		return nil, errors.New("codes: Translate: the table is nil or has no rows: give the Table of your codes")
	}
	var wrong []error
	report := func(format string, args ...any) {
		wrong = append(wrong, fmt.Errorf("codes: table %q: %w", table.domain, fmt.Errorf(format, args...)))
	}
	if err := checkLocale(locale); err != nil {
		report("locale %q %w", locale, err)
	}
	var rows []Row
	for _, reason := range slices.Sorted(maps.Keys(texts)) {
		row, err := table.translated(reason, LocalizedMessage{Locale: locale}, texts[reason])
		if err != nil {
			report("reason %q: %w", text.ForLog(reason), err)
			continue
		}
		rows = append(rows, row)
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	return table.WithRows(rows...)
}

// translated returns the row with a reason, with one more text.
func (t *Table) translated(reason string, m LocalizedMessage, translation string) (Row, error) {
	e, ok := t.byReason[reason]
	switch {
	case !ok:
		return Row{}, fmt.Errorf("no code has it, but there is the text %q for locale %q: correct the reason, or remove the text", translation, m.Locale)
	case e.Reason != reason:
		return Row{}, fmt.Errorf("it is a former reason of %s, but there is the text %q for locale %q: put the text under %s", e.Reason, translation, m.Locale, e.Reason)
	}
	row := e.Row
	at := slices.IndexFunc(row.Localized, func(own LocalizedMessage) bool { return strings.EqualFold(own.Locale, m.Locale) })
	if row.Template == "" {
		m.Message = translation
	} else {
		m.Template = translation
	}
	if err := checkTranslation(row, m, translation); err != nil {
		return Row{}, err
	}
	row.Localized = slices.Clone(row.Localized)
	if at < 0 {
		row.Localized = append(row.Localized, m)
		return row, nil
	}
	if row.Template != "" {
		m.Message = row.Localized[at].Message
	}
	row.Localized[at] = m
	return row, nil
}

// checkTranslation refuses a text that can't be the localized message m of a row.
func checkTranslation(row Row, m LocalizedMessage, translation string) error {
	if name, ok := template.Parameter(translation); ok && row.Template == "" {
		return fmt.Errorf("localized message %q for locale %q has the parameter {%s}, but the row has no template: remove it, or add a template to the row", translation, m.Locale, name)
	}
	return errors.Join(checkLocalizedTexts(row, m)...)
}
