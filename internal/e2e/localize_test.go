package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
	"github.com/errstatus/errstatus/status/localize"
)

// Texts in the caller's language.

// asks returns a context whose calls have a header with languages.
func asks(ctx context.Context, pairs ...string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, pairs...)
}

// localizedOf returns the LocalizedMessage of a received status, or nil.
func localizedOf(st *spb.Status) *errdetails.LocalizedMessage {
	m, _ := status.Detail[*errdetails.LocalizedMessage](grpcstatus.FromProto(st).Err())
	return m
}

func localizing(tables ...*codes.Table) interceptor.ServerOption {
	return interceptor.WithLocalizer(localize.New(tables...).Amend)
}

func TestCallerGetsTextInItsLanguage(t *testing.T) {
	client := testrpc.Connect(t, testrpc.Running(func(context.Context) error { return testrpc.CardDeclinedError{Card: "4242"} }),
		interceptor.ServerOptions(localizing(testrpc.Billing)), interceptor.DialOptions(interceptor.WithTable(testrpc.Billing)))
	const german, english = "Die Karte 4242 wurde abgelehnt", "card 4242 was declined"
	for name, tt := range map[string]struct {
		headers []string
		want    string
	}{
		"a client":                    {[]string{"accept-language", "de-AT,de;q=0.9,en;q=0.5"}, german},
		"a gateway":                   {[]string{"grpcgateway-accept-language", "de"}, german},
		"a client through a gateway":  {[]string{"grpcgateway-accept-language", "de", "accept-language", "en"}, english},
		"several headers":             {[]string{"accept-language", "ja", "accept-language", "de"}, german},
		"no header":                   {nil, english},
		"a language without a text":   {[]string{"accept-language", "fr"}, english},
		"English":                     {[]string{"accept-language", "en-SG,de;q=0.5"}, english},
		"a header that is not a list": {[]string{"accept-language", "(drop table)"}, english},
	} {
		for _, k := range testrpc.Kinds {
			_, err := k.Call(asks(t.Context(), tt.headers...), client)
			if got := status.UserMessage(err); got != tt.want {
				t.Errorf("%s, %s: the person reads %q; want %q", name, k.Name, got, tt.want)
			}
			if st := status.Convert(err); st.Message() != english || st.Metadata()["card"] != "4242" {
				t.Errorf("%s, %s: the status is %v with the metadata %v; want the English message and the parameter", name, k.Name, st, st.Metadata())
			}
			_, has := status.Detail[*errdetails.LocalizedMessage](err)
			if want := tt.want == german; has != want {
				t.Errorf("%s, %s: the status has a LocalizedMessage: %t; want %t", name, k.Name, has, want)
			}
		}
	}
}

// A failure gets the text of the code that is sent, also if its own text is withheld. Nothing else
// of what was decided changes.
func TestEveryFailureWithACodeIsLocalized(t *testing.T) {
	for form, opts := range map[string][]interceptor.ServerOption{"canonical": nil, "numeric": {interceptor.WithOpenIMForm(interceptor.OpenIMAlways)}} {
		chinese := interceptor.WithLocalizer(func(ctx context.Context, st *status.Status) *status.Status {
			return localize.New().Amend(metadata.NewIncomingContext(ctx, metadata.Pairs("accept-language", "zh")), st)
		})
		everyRow(t, opts, []interceptor.ServerOption{chinese}, func(row string, without, with seen) {
			row = form + ": " + row
			event := with.event(t)
			sameDecision(t, row, without.event(t), event)
			want := proto.CloneOf(without.sent)
			if event.Declared && localizedOf(want) == nil {
				if known := codes.RowOf(event.Code); event.Code.Table().Has(event.Code.Number()) {
					want.Details = append(want.Details, testrpc.Packed(t, &errdetails.LocalizedMessage{Locale: "zh-Hans", Message: known.Localized[0].Message}))
				}
			}
			if diff := cmp.Diff(want, with.sent, protocmp.Transform()); diff != "" {
				t.Errorf("%s: the localized status (-want +got):\n%s", row, diff)
			}
			if strings.Contains(fmt.Sprint(localizedOf(with.sent)), testrpc.Secret) {
				t.Errorf("%s: the text has the secret: %v", row, with.sent)
			}
		})
	}
}

// The handler's own LocalizedMessage stays, and so does that of an upstream.
func TestLocalizedMessageIsKept(t *testing.T) {
	own := &errdetails.LocalizedMessage{Locale: "fr", Message: "introuvable"}
	upstream := testrpc.Connect(t, testrpc.Returning(codes.RecordNotFound),
		interceptor.ServerOptions(localizing(tableIn(t, "pt-BR", "não encontrado"))), interceptor.DialOptions())
	service := testrpc.Returning(nil)
	client := testrpc.Connect(t, service, interceptor.ServerOptions(localizing(tableIn(t, "de", "nicht gefunden"))), nil)
	for name, tt := range map[string]struct {
		handler func(ctx context.Context) error
		want    string
	}{
		"of the handler":        {func(context.Context) error { return status.New(codes.RecordNotFound, "").WithDetails(own).Err() }, "introuvable"},
		"of the upstream":       {asking(upstream, "pt"), "não encontrado"},
		"none of the upstream":  {asking(upstream, "ja"), "nicht gefunden"},
		"of a restated failure": {restating(asking(upstream, "pt")), "não encontrado"},
	} {
		for _, k := range unaryAndStream {
			service.Run(testrpc.AtOpen, tt.handler)
			_, err := k.Call(asks(t.Context(), "accept-language", "de"), client)
			if got := status.UserMessage(err); got != tt.want {
				t.Errorf("%s, %s: the person reads %q; want %q", name, k.Name, got, tt.want)
			}
		}
	}
}

// asking returns a handler that forwards the failure of an upstream, which it asks for a language.
func asking(upstream testgrpc.TestServiceClient, language string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := testrpc.CallUnary(asks(ctx, "accept-language", language), upstream)
		return err
	}
}

func restating(handler func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		return status.Convert(handler(ctx)).WithMessage("calling the store").Err()
	}
}

// tableIn returns the default table with a text for RecordNotFound.
func tableIn(t *testing.T, locale, text string) *codes.Table {
	t.Helper()
	table, err := codes.Translate(codes.Default(), locale, map[string]string{"RECORD_NOT_FOUND": text})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// The localizer runs once, after all amendments, and reads what they added.
func TestLocalizerRunsAfterAmendments(t *testing.T) {
	var calls int
	localizer := interceptor.WithLocalizer(func(_ context.Context, st *status.Status) *status.Status {
		calls++
		help, _ := status.Detail[*errdetails.Help](st.Err())
		return st.WithDetails(&errdetails.LocalizedMessage{Locale: "de", Message: fmt.Sprintf("%s, %s, %v", st.Message(), st.Metadata()["region"], help.GetLinks() != nil)})
	})
	amendments := []interceptor.ServerOption{localizer, // it comes first among the options, and still runs last
		interceptor.WithAmendment(func(_ context.Context, st *status.Status) *status.Status {
			return st.WithMessage("amended").WithDetails(help())
		}),
		interceptor.WithAmendment(func(_ context.Context, st *status.Status) *status.Status { return st.WithMetadata("region", "eu") })}
	outer := interceptor.ServerOptions(amendments...)
	w := watch(t, outer, amendments...)
	for _, k := range unaryAndStream {
		calls = 0
		got := w.fail(t.Context(), k, codes.RecordNotFound).received
		if text := localizedOf(got).GetMessage(); text != "amended, eu, true" || calls != 1 {
			t.Errorf("%s: the text is %q after %d calls of the localizer; want what the amendments added, and 1 call", k.Name, text, calls)
		}
	}
}

// A localizer that returns no failure, or panics, adds nothing, and the event and the log say so.
func TestLocalizerThatFailsIsReported(t *testing.T) {
	for name, tt := range map[string]struct {
		localize func(context.Context, *status.Status) *status.Status
		panics   bool
		logged   string
	}{
		"nil":     {func(context.Context, *status.Status) *status.Status { return nil }, false, "the localizer returned nil"},
		"success": {func(context.Context, *status.Status) *status.Status { return status.New(codes.NoError, "") }, false, "the localizer returned a Status with NoError"},
		"a panic": {func(context.Context, *status.Status) *status.Status { panic("the localizer's bug") }, true, "the localizer's bug"},
	} {
		detail := interceptor.WithAmendment(func(_ context.Context, st *status.Status) *status.Status { return st.WithDetails(help()) })
		everyRow(t, nil, []interceptor.ServerOption{interceptor.WithLocalizer(tt.localize), detail}, func(row string, without, with seen) {
			row = name + ": " + row
			before, event := without.event(t), with.event(t)
			sameDecision(t, row, before, event)
			if diff := cmp.Diff(amended(t, without.sent, infosOf(event), nil, help()), with.sent, protocmp.Transform()); diff != "" {
				t.Errorf("%s: the status (-want +got):\n%s", row, diff)
			}
			if panicked := event.Panic != nil; panicked != (tt.panics || before.Panic != nil) || (event.AmendmentError != nil) == tt.panics {
				t.Errorf("%s: the event has the panic %v and the error %v; want one of them", row, event.Panic, event.AmendmentError)
			}
			if len(with.logs) != 1 || with.logs[0].Level != "ERROR" {
				t.Errorf("%s: the log has %+v; want one ERROR", row, with.logs)
				return
			}
			if logged := fmt.Sprint(with.logs[0].Amendment, with.logs[0].Panic); before.Panic == nil && !strings.Contains(logged, tt.logged) {
				t.Errorf("%s: the log has %q; want %q", row, logged, tt.logged)
			}
		})
	}
}

// What a localizer adds replaces details of their type where these are, also those of amendments.
func TestLocalizerKeepsOrderOfDetails(t *testing.T) {
	violation := func(localized *errdetails.LocalizedMessage) *errdetails.BadRequest {
		return &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
			{Field: "email", Description: "no address", Reason: "STRING_EMAIL", LocalizedMessage: localized}}}
	}
	german := &errdetails.LocalizedMessage{Locale: "de", Message: "keine Adresse"}
	l, err := localize.New(tableIn(t, "de", "nicht gefunden")).WithFieldTexts("de", map[string]string{"STRING_EMAIL": "keine Adresse"})
	if err != nil {
		t.Fatal(err)
	}
	text := &errdetails.LocalizedMessage{Locale: "de", Message: "nicht gefunden"}
	quota := &errdetails.QuotaFailure{}
	for name, tt := range map[string]struct {
		amendment, handlers []proto.Message
		want                []proto.Message
	}{
		"of the handler":    {nil, []proto.Message{violation(nil), quota}, []proto.Message{violation(german), quota, text}},
		"of the amendment":  {[]proto.Message{help(), violation(nil)}, []proto.Message{quota}, []proto.Message{help(), violation(german), quota, text}},
		"replaced by it":    {[]proto.Message{violation(nil)}, []proto.Message{quota, violation(text)}, []proto.Message{violation(german), quota, text}},
		"a text of it":      {[]proto.Message{german}, []proto.Message{quota}, []proto.Message{german, quota}},
		"nothing localized": {[]proto.Message{help()}, []proto.Message{quota}, []proto.Message{help(), quota, text}},
	} {
		opts := []interceptor.ServerOption{interceptor.WithLocalizer(l.Amend)}
		if tt.amendment != nil {
			opts = append(opts, interceptor.WithAmendment(func(_ context.Context, st *status.Status) *status.Status { return st.WithDetails(tt.amendment...) }))
		}
		w := watch(t, nil, opts...)
		forwarded := testrpc.ReceivedFromPlain(t, grpcstatus.FromProto(testrpc.Carrying(t, codes.RecordNotFound, "", tt.handlers...)).Err())
		for origin, handlers := range map[string]error{"own": status.New(codes.RecordNotFound, "").WithDetails(tt.handlers...).Err(), "forwarded": forwarded} {
			for _, k := range unaryAndStream {
				got := w.fail(asks(t.Context(), "accept-language", "de"), k, handlers).received
				want := testrpc.Carrying(t, codes.RecordNotFound, "", tt.want...)
				if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
					t.Errorf("%s, %s, %s: the status (-want +got):\n%s", name, origin, k.Name, diff)
				}
			}
		}
	}
}

// Localized texts are the first parts of a status that is too large to go: the LocalizedMessage,
// and then those of the violations. Who added them doesn't matter.
func TestLocalizedTextsAreDroppedFirst(t *testing.T) {
	long := &errdetails.LocalizedMessage{Locale: "de", Message: strings.Repeat("ü", 600)}
	short := &errdetails.LocalizedMessage{Locale: "de", Message: "kurz"}
	request := func(localized *errdetails.LocalizedMessage, n int) *errdetails.BadRequest {
		br := testrpc.Violations(n)
		for _, v := range br.FieldViolations {
			v.LocalizedMessage = localized
		}
		return br
	}
	text := func(n int) *errdetails.ResourceInfo {
		return &errdetails.ResourceInfo{Description: strings.Repeat("r", n)}
	}
	huge := &errdetails.LocalizedMessage{Locale: "de", Message: strings.Repeat("x", 9000)}
	for name, tt := range map[string]struct {
		details, want []proto.Message
		truncated     bool
	}{
		"it fits":                           {[]proto.Message{request(short, 3), text(100), long}, []proto.Message{request(short, 3), text(100), long}, false},
		"the message goes":                  {[]proto.Message{request(short, 3), text(2000), long}, []proto.Message{request(short, 3), text(2000)}, true},
		"the message goes, though it leads": {[]proto.Message{long, request(short, 3), text(2000)}, []proto.Message{request(short, 3), text(2000)}, true},
		"a huge one goes":                   {[]proto.Message{huge, request(short, 3), text(2000)}, []proto.Message{request(short, 3), text(2000)}, true},
		"those of violations go too":        {[]proto.Message{request(long, 3), text(2000), short}, []proto.Message{request(nil, 3), text(2000)}, true},
		"huge ones of violations":           {[]proto.Message{request(huge, 3), text(2000), short}, []proto.Message{request(nil, 3), text(2000)}, true},
		"then the last detail":              {[]proto.Message{short, request(long, 3), help(), text(4000)}, []proto.Message{request(nil, 3), help()}, true},
	} {
		// The metadata's "truncated" and the event say so.
		for _, source := range []string{"handler", "amendment", "localizer", "upstream"} {
			with := func(_ context.Context, st *status.Status) *status.Status { return st.WithDetails(tt.details...) }
			opts, handlers := []interceptor.ServerOption{}, error(codes.RecordNotFound)
			switch source {
			case "handler":
				handlers = status.New(codes.RecordNotFound, "").WithDetails(tt.details...).Err()
			case "amendment":
				opts = append(opts, interceptor.WithAmendment(with))
			case "localizer":
				opts = append(opts, interceptor.WithLocalizer(with))
			case "upstream":
				handlers = testrpc.ReceivedFromPlain(t, grpcstatus.FromProto(testrpc.Carrying(t, codes.RecordNotFound, "", tt.details...)).Err())
			}
			w := watch(t, nil, opts...)
			for _, k := range unaryAndStream {
				call := w.fail(t.Context(), k, handlers)
				want := testrpc.Carrying(t, codes.RecordNotFound, "", tt.want...)
				truncated := status.Truncation(0)
				if tt.truncated {
					truncated = status.TruncatedDetails
					want = withMetadataPair(t, want, "truncated", "details")
				}
				if diff := cmp.Diff(want, call.received, protocmp.Transform()); diff != "" {
					t.Errorf("%s, of the %s, %s: the status (-want +got):\n%s", name, source, k.Name, testrpc.Brief(diff))
				}
				if got := call.event(t).Truncated; got != truncated {
					t.Errorf("%s, of the %s, %s: the event's truncated parts are %v; want %v", name, source, k.Name, got, truncated)
				}
			}
		}
	}
}

// A person never reads what a proxy, gRPC or a plain error says.
func TestUserMessageOfReceivedErrors(t *testing.T) {
	refused := func(opts ...interceptor.ClientOption) error {
		lis := testrpc.Listen(t)
		client := testgrpc.NewTestServiceClient(testrpc.Dial(t, lis.Addr().String(), interceptor.DialOptions(opts...)))
		lis.Close()
		_, err := testrpc.CallUnary(t.Context(), client)
		return err
	}
	billing := interceptor.WithTable(testrpc.Billing)
	plain := func(code grpccodes.Code, details ...proto.Message) error {
		return grpcstatus.FromProto(testrpc.Canonical(t, code, "10.0.0.1 says no", details...)).Err()
	}
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"a code":                       {testrpc.Received(t, status.Error(codes.RecordNotFound, "no user 7")), "no user 7"},
		"a refused connection":         {refused(), "network error"},
		"a refused connection, first":  {refused(billing), "billing is puzzled"},
		"a refused one, assumed":       {refused(interceptor.WithAssumedCodes()), "network error"},
		"a plain status":               {testrpc.ReceivedFromPlain(t, plain(grpccodes.NotFound)), "record not found"},
		"a plain status, assumed":      {testrpc.ReceivedFromPlain(t, plain(grpccodes.NotFound), interceptor.WithAssumedCodes()), "record not found"},
		"another domain":               {testrpc.Received(t, status.Error(testrpc.CardDeclined, "no")), "unknown error"},
		"a plain server's error":       {testrpc.ReceivedFromPlain(t, errors.New("10.0.0.1 says no")), "unknown error"},
		"a withheld error":             {testrpc.Received(t, errors.New("10.0.0.1 says no")), "internal server error"},
		"without a code, localized":    {testrpc.ReceivedFromPlain(t, plain(grpccodes.NotFound, &errdetails.LocalizedMessage{Message: "weg"})), "weg"},
		"hostile":                      {testrpc.Received(t, status.Error(codes.RecordNotFound, "a\x1b[2J\u202eb\r\nc"+strings.Repeat("x", 9000)), interceptor.WithTable(codes.Default())), ""},
		"an empty message with a code": {testrpc.ReceivedFromPlain(t, grpcstatus.FromProto(testrpc.Canonical(t, grpccodes.NotFound, "", testrpc.ErrorInfo(codes.RecordNotFound))).Err()), "record not found"},
	} {
		got := status.UserMessage(tt.err)
		if name == "hostile" {
			if !strings.HasPrefix(got, "a [2J b cxxx") || len(got) > 4<<10 {
				t.Errorf("%s: UserMessage() = %.20q, %d bytes; want one line", name, got, len(got))
			}
			continue
		}
		if got != tt.want {
			t.Errorf("%s: UserMessage(%v) = %q; want %q", name, tt.err, got, tt.want)
		}
	}
}
