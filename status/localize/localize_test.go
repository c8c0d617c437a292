package localize_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
	"github.com/errstatus/errstatus/status/localize"
)

// billing is testrpc.Billing in Portuguese too.
func billing(t *testing.T) *codes.Table {
	t.Helper()
	table, err := codes.Translate(testrpc.Billing, "pt-BR", map[string]string{
		"CARD_DECLINED":       "o cartão {card} foi recusado",
		"QUOTA_EXCEEDED":      "{user_id}: {used} de {most} {unit}",
		"BILLING_UNAVAILABLE": "demorou {time}",
		"INVOICE_PAID":        "a fatura já foi paga",
		"BILLING_INTERNAL":    "erro interno",
	})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestMessageIsTheRowsText(t *testing.T) {
	l := localize.New(billing(t))
	declined := testrpc.CardDeclinedError{Card: "4242"}
	foreign, err := grpcstatus.New(grpccodes.NotFound, "x").WithDetails(&errdetails.ErrorInfo{Reason: "CARD_DECLINED", Domain: "other.example"})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		st                 *status.Status
		portuguese, german string
	}{
		"filled":                   {status.With(declined), "o cartão 4242 foi recusado", "Die Karte 4242 wurde abgelehnt"},
		"filled, of an error":      {status.Convert(fmt.Errorf("paying: %w", declined)), "o cartão 4242 foi recusado", "Die Karte 4242 wurde abgelehnt"},
		"filled once":              {status.With(testrpc.CardDeclinedError{Card: "{card}"}), "o cartão {card} foi recusado", "Die Karte {card} wurde abgelehnt"},
		"with another message":     {status.With(declined).WithMessage("no"), "o cartão 4242 foi recusado", "Die Karte 4242 wurde abgelehnt"},
		"without parameters":       {status.New(testrpc.CardDeclined, ""), "", "Die Karte wurde abgelehnt"},
		"some parameters":          {status.New(testrpc.QuotaExceeded, "").WithMetadata("used", "3"), "", ""},
		"without a template":       {status.New(testrpc.InvoicePaid, "paid by mistake"), "a fatura já foi paga", ""},
		"without a text":           {status.New(testrpc.BillingUnknown, ""), "", ""},
		"a code without a row":     {status.New(testrpc.BillingCode(4711), ""), "", ""},
		"a plain error":            {status.Convert(io.ErrUnexpectedEOF), "", ""},
		"a gRPC status":            {status.Convert(grpcstatus.Error(grpccodes.NotFound, "x")), "", ""},
		"an unknown domain":        {status.FromGRPC(foreign), "", ""},
		"success":                  {status.New(testrpc.BillingOK, ""), "", ""},
		"nil":                      {nil, "", ""},
		"another table's own text": {status.New(codes.RecordNotFound, ""), "", ""},
	} {
		for locale, want := range map[string]string{"pt-BR": tt.portuguese, "de": tt.german} {
			var message *errdetails.LocalizedMessage
			if want != "" {
				message = &errdetails.LocalizedMessage{Locale: locale, Message: want}
			}
			if diff := cmp.Diff(message, l.Message(tt.st, locale), protocmp.Transform()); diff != "" {
				t.Errorf("%s: the message in %s (-want +got):\n%s", name, locale, diff)
			}
		}
	}
}

// A status that carries no code gets no text, not even that of the UNKNOWN default.
func TestNoCodeHasNoText(t *testing.T) {
	for _, err := range []error{io.ErrUnexpectedEOF, grpcstatus.Error(grpccodes.Unknown, "x"), codes.NoError} {
		if got := localize.New().Message(status.Convert(err), "zh"); got != nil {
			t.Errorf("the text of %v is %v; want none", err, got)
		}
	}
}

// For a code of another domain, the code's own table has the texts. The given tables count for
// their domains only.
func TestWhichTableHasTheText(t *testing.T) {
	const chinese = "记录不存在"
	notFound, declined := status.New(codes.RecordNotFound, ""), status.New(testrpc.CardDeclined, "")
	for range 2 { // the second time, the own tables are kept
		for name, l := range map[string]*localize.Localizer{"none": localize.New(), "the default": localize.New(codes.Default()), "another": localize.New(billing(t))} {
			if got := l.Message(notFound, "zh").GetMessage(); got != chinese {
				t.Errorf("given %s: RECORD_NOT_FOUND is %q; want %q", name, got, chinese)
			}
			if got := l.Message(declined, "de").GetMessage(); got != "Die Karte wurde abgelehnt" {
				t.Errorf("given %s: CARD_DECLINED is %q; want the German text", name, got)
			}
		}
	}
	given := localize.New(billing(t), tableIn("fr"))
	if got := given.Message(notFound, "zh"); got != nil {
		t.Errorf("RECORD_NOT_FOUND is %v; want none, because the given table has no Chinese text", got)
	}
	if got := given.Message(notFound, "fr").GetMessage(); got != "in fr" {
		t.Errorf("RECORD_NOT_FOUND is %q; want the text of the given table", got)
	}
}

// Rows can have texts in different languages: each row has its own choice.
func TestEachRowHasItsLanguages(t *testing.T) {
	table, err := codes.Translate(tableIn("de", "fr"), "fr", map[string]string{"ARGS": "argument invalide"})
	if err != nil {
		t.Fatal(err)
	}
	l := localize.New(table)
	for code, want := range map[codes.Code]string{codes.RecordNotFound: "de", codes.Args: "fr", codes.NoPermission: "zh-Hans"} {
		if got := l.Message(status.New(code, ""), "de, fr;q=0.5, zh;q=0.1").GetLocale(); got != want {
			t.Errorf("%v is in %q; want %q", code, got, want)
		}
	}
}

func panicOf(f func()) (text string) {
	defer func() { text = fmt.Sprint(recover()) }()
	f()
	return ""
}

// A mistake of the program is found when it starts. The text says how to mend it.
func TestWrongTextsPanic(t *testing.T) {
	for name, tt := range map[string]struct {
		run  func()
		want []string
	}{
		"a nil table":    {func() { localize.New(nil) }, []string{"localize: New: a table is nil"}},
		"an empty table": {func() { localize.New(&codes.Table{}) }, []string{"localize: New: a table is nil or has no rows: give"}},
		"a domain twice": {func() { localize.New(codes.Default(), tableIn("de")) }, []string{`two tables of domain "openim.io": give only one`}},
		"unregistered":   {func() { localize.New(tableIn("de", "qq", "yy")) }, []string{`table "openim.io"`, "reason RECORD_NOT_FOUND", `locale "qq"`, `locale "yy"`, "use a registered tag"}},
	} {
		got := panicOf(tt.run)
		for _, want := range tt.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: the panic is %q; want %q in it", name, got, want)
			}
		}
	}
}

// Texts of fields come from translators, so that what is wrong with them is an error. It lists
// all of it.
func TestWrongFieldTexts(t *testing.T) {
	for name, tt := range map[string]struct {
		locale string
		texts  map[string]string
		want   []string
	}{
		"locale":        {"pt_", map[string]string{"STRING_EMAIL": "não"}, []string{`WithFieldTexts: locale "pt_"`}},
		"no locale":     {"", nil, []string{`locale ""`}},
		"no reason":     {"de", map[string]string{"42": "x"}, []string{`text "x" of "42": the key is no reason`, "such as STRING_EMAIL"}},
		"one key twice": {"de", map[string]string{"string.email": "x", "STRING_EMAIL": "y"}, []string{`text "x" of "string.email": the key "STRING_EMAIL" is the same reason`}},
		"several":       {"de", map[string]string{"STRING_EMAIL": "", "STRING_MIN_LEN": "\xff", "INT_GT": "x"}, []string{`"" of "STRING_EMAIL": the text is empty`, `"STRING_MIN_LEN": the text is empty or not UTF-8: give`}},
	} {
		got, err := localize.New().WithFieldTexts(tt.locale, tt.texts)
		if err == nil || got != nil {
			t.Errorf("%s: WithFieldTexts() = %v, %v; want nil and an error", name, got, err)
			continue
		}
		for _, want := range tt.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: the error is %q; want %q in it", name, err, want)
			}
		}
		if strings.Contains(err.Error(), "INT_GT") {
			t.Errorf("%s: the error %q names a text that is right", name, err)
		}
	}
}

// withFields returns a Localizer with texts of fields in a language, by the reasons or the ids of
// rules.
func withFields(t *testing.T, l *localize.Localizer, locale string, texts map[string]string) *localize.Localizer {
	t.Helper()
	l, err := l.WithFieldTexts(locale, texts)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// A wrong locale in a table that New wasn't given is ignored, and the other texts count.
func TestWrongLocaleOfAnotherTable(t *testing.T) {
	st := status.New(oddCode(1), "")
	l := localize.New()
	if got := l.Message(st, "qq, de;q=0.5"); got.GetMessage() != "seltsam" {
		t.Errorf("Message = %v; want the German text", got)
	}
}

// An oddCode has a table with a language that nobody has registered.
type oddCode int32

var oddTable = codes.MustTable("odd.example", codes.Row{Code: oddCode(1), Reason: "ODD_THING", GRPCCode: grpccodes.Aborted,
	Localized: []codes.LocalizedMessage{{Locale: "qq", Message: "?"}, {Locale: "de", Message: "seltsam"}}})

func (c oddCode) Error() string        { return "odd" }
func (c oddCode) Number() codes.Number { return codes.Number(c) }
func (c oddCode) Table() *codes.Table  { return oddTable }

// incoming returns a server's context with values of Accept-Language.
func incoming(pairs ...string) context.Context {
	return metadata.NewIncomingContext(context.Background(), metadata.Pairs(pairs...))
}

func TestFromIncoming(t *testing.T) {
	ctx := incoming("grpcgateway-accept-language", "de", "accept-language", "fr, en", "accept-language", "es", "x-accept-language", "ja")
	if diff := cmp.Diff([]string{"fr, en", "es", "de"}, localize.FromIncoming(ctx)); diff != "" {
		t.Errorf("FromIncoming (-want +got):\n%s", diff)
	}
	for name, ctx := range map[string]context.Context{"no metadata": context.Background(), "other metadata": incoming("key", "de")} {
		if got := localize.FromIncoming(ctx); got != nil {
			t.Errorf("%s: FromIncoming = %q; want nil", name, got)
		}
	}
}

func TestAmend(t *testing.T) {
	l := localize.New(billing(t))
	st := status.With(testrpc.CardDeclinedError{Card: "4242"})
	own := &errdetails.LocalizedMessage{Locale: "fr", Message: "refusée"}
	for name, tt := range map[string]struct {
		st   *status.Status
		ctx  context.Context
		want *errdetails.LocalizedMessage // nil: st is returned
	}{
		"a text":            {st, incoming("accept-language", "pt"), &errdetails.LocalizedMessage{Locale: "pt-BR", Message: "o cartão 4242 foi recusado"}},
		"no header":         {st, context.Background(), nil},
		"English":           {st, incoming("accept-language", "en-GB"), nil},
		"nothing matches":   {st, incoming("accept-language", "ja"), nil},
		"garbage":           {st, incoming("accept-language", "\xff"), nil},
		"it has one":        {st.WithDetails(own), incoming("accept-language", "pt"), nil},
		"nothing localized": {status.New(testrpc.BillingUnknown, ""), incoming("accept-language", "pt"), nil},
	} {
		got := l.Amend(tt.ctx, tt.st)
		if (got == tt.st) != (tt.want == nil) {
			t.Errorf("%s: Amend returned a new Status: %t; want %t", name, got != tt.st, tt.want != nil)
		}
		if m, _ := status.Detail[*errdetails.LocalizedMessage](got.Err()); tt.want != nil && !cmp.Equal(tt.want, m, protocmp.Transform()) {
			t.Errorf("%s: Amend adds %v; want %v", name, m, tt.want)
		}
		if got.Message() != tt.st.Message() {
			t.Errorf("%s: Amend changed the message to %q; want %q", name, got.Message(), tt.st.Message())
		}
	}
}

// A violation gets the text for its reason, unless it has one.
func TestAmendLocalizesViolations(t *testing.T) {
	l := withFields(t, localize.New(billing(t)), "pt-BR", map[string]string{"STRING_EMAIL": "antigo", "STRING_MIN_LEN": "curto demais"})
	l = withFields(t, l, "pt-br", map[string]string{"STRING_EMAIL": "não é um e-mail"})
	l = withFields(t, l, "de", map[string]string{"string.max_len": "zu lang"}) // the id of a rule
	own := &errdetails.LocalizedMessage{Locale: "fr", Message: "trop court"}
	violations := func(localized ...*errdetails.LocalizedMessage) *errdetails.BadRequest {
		return &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
			{Field: "email", Description: "must be an e-mail address", Reason: "STRING_EMAIL", LocalizedMessage: localized[0]},
			{Field: "name", Description: "too short", Reason: "STRING_MIN_LEN", LocalizedMessage: localized[1]},
			{Field: "title", Description: "too long", Reason: "STRING_MAX_LEN", LocalizedMessage: localized[2]},
			{Field: "age", Description: "too young", LocalizedMessage: localized[3]},
		}}
	}
	email := &errdetails.LocalizedMessage{Locale: "pt-br", Message: "não é um e-mail"}
	long := &errdetails.LocalizedMessage{Locale: "de", Message: "zu lang"}
	for accept, want := range map[string]*errdetails.BadRequest{
		"pt":          violations(email, own, nil, nil),
		"de":          violations(nil, own, long, nil),
		"pt,de;q=0.5": violations(email, own, long, nil),
		"en":          nil,
		"ja":          nil,
	} {
		st := status.New(testrpc.BillingUnknown, "").WithDetails(violations(nil, own, nil, nil))
		got := l.Amend(incoming("accept-language", accept), st)
		if want == nil {
			if got != st {
				t.Errorf("%s: Amend = %v; want the same Status", accept, got.Details())
			}
			continue
		}
		badRequest, _ := status.Detail[*errdetails.BadRequest](got.Err())
		if diff := cmp.Diff(want, badRequest, protocmp.Transform()); diff != "" {
			t.Errorf("%s: the violations (-want +got):\n%s", accept, diff)
		}
	}
	if got := withFields(t, localize.New(), "de", map[string]string{"STRING_MAX_LEN": "zu lang"}).Message(status.New(codes.RecordNotFound, ""), "zh"); got == nil {
		t.Error("WithFieldTexts has dropped the texts of the table")
	}
}

// An upstream can send very many violations. Not all of them get a text.
func TestAmendLocalizesFewViolations(t *testing.T) {
	many := testrpc.Violations(5000)
	for _, v := range many.FieldViolations {
		v.Reason = "STRING_EMAIL"
	}
	l := withFields(t, localize.New(), "de", map[string]string{"STRING_EMAIL": "keine Adresse"})
	got, _ := status.Detail[*errdetails.BadRequest](l.Amend(incoming("accept-language", "de"), status.New(codes.Args, "").WithDetails(many)).Err())
	localized := 0
	for _, v := range got.GetFieldViolations() {
		if v.LocalizedMessage != nil {
			localized++
		}
	}
	if localized != 1000 || len(got.GetFieldViolations()) != 5000 {
		t.Errorf("%d of %d violations have a text; want 1000 of 5000", localized, len(got.GetFieldViolations()))
	}
}

// A copy with field texts doesn't change the Localizer that it was made of.
func TestWithFieldTextsCopies(t *testing.T) {
	first := withFields(t, localize.New(), "de", map[string]string{"STRING_EMAIL": "keine Adresse"})
	withFields(t, withFields(t, first, "de", map[string]string{"STRING_EMAIL": "falsch"}), "fr", map[string]string{"STRING_EMAIL": "faux"})
	st := status.New(codes.Args, "").WithDetails(&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Reason: "STRING_EMAIL"}}})
	for accept, want := range map[string]string{"de": "keine Adresse", "fr": ""} {
		got, _ := status.Detail[*errdetails.BadRequest](first.Amend(incoming("accept-language", accept), st).Err())
		if text := got.GetFieldViolations()[0].GetLocalizedMessage().GetMessage(); text != want {
			t.Errorf("%s: the text is %q; want %q", accept, text, want)
		}
	}
}

var errPrivate = errors.New("dsn=secret")

// Amend reads only what is sent. A cause isn't in it.
func TestAmendReadsNoPrivateText(t *testing.T) {
	l := localize.New(billing(t))
	encoder := &status.Encoder{Tables: []*codes.Table{billing(t)}, Localizer: l.Amend}
	for _, err := range []error{errPrivate, status.Wrap(errPrivate, testrpc.InvoicePaid, ""), fmt.Errorf("x: %w", grpcstatus.Error(1<<20, "dsn=secret"))} {
		sent := encoder.Encode(incoming("accept-language", "pt"), err).Status()
		if text := sent.String() + fmt.Sprint(sent.Details()...); strings.Contains(text, "secret") || !strings.Contains(text, "pt-BR") {
			t.Errorf("%v is sent as %s; want a Portuguese text and nothing private", err, text)
		}
	}
}

// A matcher is costly to make. Rows with the same languages share one.
func TestRowsShareMatchers(t *testing.T) {
	table, err := codes.Translate(codes.Default(), "de", map[string]string{"RECORD_NOT_FOUND": "nicht gefunden", "NO_PERMISSION": "nicht erlaubt"})
	if err != nil {
		t.Fatal(err)
	}
	for want, table := range map[int]*codes.Table{1: codes.Default(), 2: table, 3: testrpc.Billing.MustWithRows(localizedRow(testrpc.InvoicePaid, "fr"), localizedRow(testrpc.BillingInternal, "fr", "de"), localizedRow(testrpc.BillingUnknown, "DE", "FR"))} {
		if got := localize.CountMatchers(table); got != want {
			t.Errorf("the rows of %s have %d matchers; want %d", table.Domain(), got, want)
		}
	}
}

func localizedRow(c codes.Code, locales ...string) codes.Row {
	row := codes.RowOf(c)
	row.Localized = textsIn(locales)
	return row
}

// A Localizer is safe for concurrent use, also for a table that it meets for the first time.
func TestConcurrentUse(t *testing.T) {
	l := localize.New(codes.Default())
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if got := l.Message(status.New(testrpc.CardDeclined, ""), "de").GetLocale(); got != "de" {
				t.Errorf("the text is in %q; want de", got)
			}
		})
	}
	wg.Wait()
}

// The texts of a table that New wasn't given are made once, at the first failure with its code.
// Later failures cost what those of a given table cost.
func TestTextsOfOtherTablesAreMadeOnce(t *testing.T) {
	given, others := localize.New(billing(t)), localize.New()
	st := status.New(testrpc.InvoicePaid, "")
	others.Message(st, "pt")
	cost := func(l *localize.Localizer) float64 {
		return testing.AllocsPerRun(20, func() { l.Message(st, "pt") })
	}
	if got, want := cost(others), cost(given); got > want {
		t.Errorf("a text of another table takes %v allocations; want %v, as of a given one", got, want)
	}
}
