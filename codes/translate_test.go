package codes_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/testrpc"
)

func textsOf(t *testing.T, table *codes.Table, reason string) []codes.LocalizedMessage {
	t.Helper()
	row, ok := table.ByReason(reason)
	if !ok {
		t.Fatalf("the table has no row with the reason %s", reason)
	}
	return row.Localized
}

func TestTranslateAddsTexts(t *testing.T) {
	portuguese, err := codes.Translate(testrpc.Billing, "pt-BR", map[string]string{
		"CARD_DECLINED":  "o cartão {card} foi recusado",
		"QUOTA_EXCEEDED": "{used} de {most} {unit}: {user_id}",
		"INVOICE_PAID":   "a fatura {} já foi paga",
		"OK":             "certo",
	})
	if err != nil {
		t.Fatal(err)
	}
	german := testrpc.Billing.MustWithRows() // the text in German and its plain message stay
	for reason, want := range map[string][]codes.LocalizedMessage{
		"CARD_DECLINED":    append(textsOf(t, german, "CARD_DECLINED"), codes.LocalizedMessage{Locale: "pt-BR", Template: "o cartão {card} foi recusado"}),
		"QUOTA_EXCEEDED":   {{Locale: "pt-BR", Template: "{used} de {most} {unit}: {user_id}"}},
		"INVOICE_PAID":     {{Locale: "pt-BR", Message: "a fatura {} já foi paga"}},
		"OK":               {{Locale: "pt-BR", Message: "certo"}},
		"BILLING_INTERNAL": nil,
	} {
		if diff := cmp.Diff(want, slices.Clip(textsOf(t, portuguese, reason))); diff != "" {
			t.Errorf("%s has other texts (-want +got):\n%s", reason, diff)
		}
	}
	if got := len(textsOf(t, testrpc.Billing, "CARD_DECLINED")); got != 1 {
		t.Errorf("the translated table has changed the given one: CARD_DECLINED has %d texts; want 1", got)
	}
	row, _ := portuguese.ByReason("CARD_DECLINED")
	if got := row.Localized[1].Fill([]codes.Param{{Name: "card", Value: "4242"}}); got != "o cartão 4242 foi recusado" {
		t.Errorf("Fill = %q; want the filled template", got)
	}
	if got := row.Localized[1].Fill(nil); got != "" {
		t.Errorf("Fill without parameters = %q; want none", got)
	}
}

// A text replaces that of its locale, in whatever case that is written. Of a row with a template,
// only the template is replaced.
func TestTranslateReplacesTexts(t *testing.T) {
	table, err := codes.Translate(testrpc.Billing, "DE", map[string]string{"CARD_DECLINED": "{card} geht nicht", "INVOICE_PAID": "bezahlt"})
	if err != nil {
		t.Fatal(err)
	}
	if table, err = codes.Translate(table, "de", map[string]string{"INVOICE_PAID": "schon bezahlt"}); err != nil {
		t.Fatal(err)
	}
	want := []codes.LocalizedMessage{{Locale: "DE", Message: "Die Karte wurde abgelehnt", Template: "{card} geht nicht"}}
	if diff := cmp.Diff(want, textsOf(t, table, "CARD_DECLINED")); diff != "" {
		t.Errorf("CARD_DECLINED has other texts (-want +got):\n%s", diff)
	}
	if got := textsOf(t, testrpc.Billing, "CARD_DECLINED")[0].Locale; got != "de" {
		t.Errorf("the translated table has changed the given one: its locale is %q", got)
	}
	if diff := cmp.Diff([]codes.LocalizedMessage{{Locale: "de", Message: "schon bezahlt"}}, textsOf(t, table, "INVOICE_PAID")); diff != "" {
		t.Errorf("INVOICE_PAID has other texts (-want +got):\n%s", diff)
	}
}

// The error lists everything that is wrong, each with the reason, the text, the locale and how to
// mend it.
func TestTranslateRefuses(t *testing.T) {
	renamed := codes.RowOf(testrpc.InvoicePaid)
	renamed.FormerReasons = []string{"BILL_PAID"}
	table := testrpc.Billing.MustWithRows(renamed)
	texts := map[string]string{
		"NO_SUCH":          "nada",
		"BILL_PAID":        "paga",
		"CARD_DECLINED":    "o cartão {cart} foi recusado",
		"LEDGER_LOCKED":    "o livro está bloqueado",
		"QUOTA_EXCEEDED":   "{user_id} {used} {most} {unit}}",
		"INVOICE_PAID":     "a fatura {id} foi paga",
		"BILLING_INTERNAL": "",
		"BILLING_UNKNOWN":  " espaço",
		"OK":               "cer\u202eto",
	}
	const prefix = `codes: table "billing.example.com": reason `
	want := []string{
		`"BILLING_INTERNAL": localized message "" for locale "pt-BR" is empty: give the message in that language`,
		`"BILLING_UNKNOWN": localized message " espaço" for locale "pt-BR" begins or ends with a space: remove it`,
		`"BILL_PAID": it is a former reason of INVOICE_PAID, but there is the text "paga" for locale "pt-BR": put the text under INVOICE_PAID`,
		`"CARD_DECLINED": localized template "o cartão {cart} foi recusado" for locale "pt-BR" has the parameter {cart}, which the row's template "card {card} was declined" doesn't have: use the same`,
		`"INVOICE_PAID": localized message "a fatura {id} foi paga" for locale "pt-BR" has the parameter {id}, but the row has no template: remove it`,
		`"LEDGER_LOCKED": localized template "o livro está bloqueado" for locale "pt-BR" lacks the parameter {ledger} of the row's template`,
		`"NO_SUCH": no code has it, but there is the text "nada" for locale "pt-BR": correct the reason`,
		`"OK": localized message "cer\u202eto" for locale "pt-BR" has the invisible character U+202E at byte 3: remove it`,
		`"QUOTA_EXCEEDED": localized template "{user_id} {used} {most} {unit}}" for locale "pt-BR" has an unmatched "}" at byte 30: write`,
	}
	got, err := codes.Translate(table, "pt-BR", texts)
	if got != nil || err == nil {
		t.Fatalf("Translate = %v, %v; want an error alone", got, err)
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != len(want) {
		t.Fatalf("Translate's error has %d lines; want %d:\n%v", len(lines), len(want), err)
	}
	for i, line := range lines {
		if !strings.HasPrefix(line, prefix+want[i]) {
			t.Errorf("line %d is\n%s\nwant it to begin\n%s", i+1, line, prefix+want[i])
		}
	}

	for locale, want := range map[string]string{"": `locale "" is empty: give`, "pt_BR": `locale "pt_BR" is not a BCP 47 language tag: use`} {
		if _, err := codes.Translate(table, locale, map[string]string{"OK": "certo"}); err == nil || strings.Count(err.Error(), "\n") > 0 || !strings.Contains(err.Error(), want) {
			t.Errorf("Translate for the locale %q: %v; want one line with %s", locale, err, want)
		}
	}
	for _, table := range []*codes.Table{nil, {}} {
		if _, err := codes.Translate(table, "de", nil); err == nil || !strings.Contains(err.Error(), "give the Table of your codes") {
			t.Errorf("Translate of a table without rows: %v; want an error", err)
		}
	}
}

// A message for errors without parameters may be missing beside a template.
func TestTemplateWithoutLocalizedMessage(t *testing.T) {
	rows := withTemplates("{item} is sold out")
	rows[3].Localized = []codes.LocalizedMessage{{Locale: "de", Template: "{item} ist ausverkauft"}}
	rows[2].Template = "order {id} failed" // that of UNKNOWN's default row
	rows[2].Localized = []codes.LocalizedMessage{{Locale: "de", Template: "Bestellung {id} schlug fehl"}, {Locale: "zh", Message: "失败"}}
	table, err := codes.NewTable("orders.example.com", rows...)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rows[3].Localized, textsOf(t, table, "SOLD_OUT")); diff != "" {
		t.Errorf("SOLD_OUT has other texts (-want +got):\n%s", diff)
	}
	row, _ := table.Lookup(4711) // without a row
	if diff := cmp.Diff([]codes.LocalizedMessage{{Locale: "zh", Message: "失败"}}, row.Localized); diff != "" {
		t.Errorf("a number without a row has other texts than UNKNOWN's messages (-want +got):\n%s", diff)
	}
}

// A wrong locale is an error even if there are no texts.
func TestTranslateChecksTheLocale(t *testing.T) {
	if got, err := codes.Translate(testrpc.Billing, "pt_BR", nil); got != nil || err == nil || !strings.Contains(err.Error(), `"pt_BR"`) {
		t.Errorf("Translate = %v, %v; want an error that names the locale", got, err)
	}
}
