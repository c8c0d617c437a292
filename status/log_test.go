package status_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/status"
)

// A secretive error hides a part of itself from logs.
type secretive struct{ password string }

func (e secretive) Error() string { return "login with " + e.password }
func (secretive) LogValue() slog.Value {
	return slog.GroupValue(slog.String("op", "login"), slog.Any("user", hiddenUser{}))
}

type hiddenUser struct{ Password string }

func (hiddenUser) LogValue() slog.Value { return slog.StringValue("ann") }

type unprintable struct{}

func (unprintable) Error() string { panic("x") }

// A queryError embeds its code.
type queryError struct{ codes.ErrorCode }

func (queryError) Error() string { return "select 1" }

func (queryError) LogValue() slog.Value { return slog.Value{} }

type msgError struct{ error }

func (msgError) LogValue() slog.Value {
	return slog.GroupValue(slog.String("msg", "down"), slog.Int("level", 7))
}

type brokenValue struct{}

func (brokenValue) Error() string        { return "its text" }
func (brokenValue) LogValue() slog.Value { panic("x") }

type secretStatus struct{ secretive }

func (secretStatus) GRPCStatus() *grpcstatus.Status { return grpcstatus.New(grpccodes.Aborted, "x") }

// mappedTo returns the encoded error of an error that a rule maps to st.
func mappedTo(t *testing.T, st *status.Status) error {
	rule := status.Rule{Func: func(context.Context, error) *status.Status { return st }}
	return (&status.Encoder{Rules: []status.Rule{rule}}).Encode(t.Context(), errors.New("no rows")).Err()
}

// The value for a log has each private text once.
func TestLogValueHasTheCauses(t *testing.T) {
	inner := status.Wrap(errors.New("dial: refused"), codes.SrvNetwork, "loading")
	retried := fmt.Errorf("max retries exhausted: %w", grpcError(t, grpccodes.Aborted, "busy", info("openim.io", "SRV_MUTED_GROUP", "1403")))
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"a cause of a cause":       {status.Wrap(fmt.Errorf("get: %w", inner), codes.SrvDatabase, "x"), `err.cause="get: SrvNetwork: loading; caused by: dial: refused"`},
		"an error that panics":     {status.Wrap(unprintable{}, codes.SrvDatabase, "x"), `err.cause="status_test.unprintable, which can't be printed: panic: x"`},
		"a user's value":           {status.Wrap(secretive{"hunter2"}, codes.SrvDatabase, "x"), `err.cause="op=login user=ann"`},
		"an outer text":            {new(status.Decoder).Decode(t.Context(), retried), `err.cause="max retries exhausted: rpc error: code = Aborted desc = busy"`},
		"a code in a struct":       {new(status.Encoder).Encode(t.Context(), queryError{codes.SrvDatabase}).Err(), `err.cause="select 1"`},
		"a user's value with msg":  {status.Wrap(msgError{}, codes.SrvDatabase, "x"), `err.cause="msg=down level=7"`},
		"a user's value, panics":   {status.Wrap(brokenValue{}, codes.SrvDatabase, "x"), `err.cause="its text"`},
		"a secret with GRPCStatus": {status.Wrap(secretStatus{secretive{"hunter2"}}, codes.SrvDatabase, "x"), `err.cause="op=login user=ann"`},
		"restated":                 {new(status.Encoder).Encode(t.Context(), status.Convert(inner).WithMetadata("shard", "7").Err()).Err(), `err.cause="dial: refused"`},
		"restated twice":           {status.Convert(status.Convert(inner).WithMetadata("shard", "7").Err()).WithMessage("x").Err(), `err.cause="dial: refused"`},
		"restated and wrapped":     {status.Convert(inner).WithMessage("x").Wrap(inner), `err.cause="SrvNetwork: loading; caused by: dial: refused"`},
		"restated without status":  {status.Convert(errors.New("pq: down")).WithMetadata("shard", "7").Err(), `err.cause="pq: down"`},
		"restated upstream":        {status.Convert(received(t, grpccodes.Internal, "x")).WithMessage("calling b").Err(), `err.cause="rpc error: code = Internal desc = x"`},
		"DebugInfo":                {status.New(codes.SrvDatabase, "m").WithDetails(&errdetails.DebugInfo{Detail: "shard 7", StackEntries: []string{"a", "b"}}).Err(), `err.cause="shard 7; a; b"`},
		"a rule's Status":          {mappedTo(t, status.Newf(codes.SrvDatabase, "x: %w", errors.New("lookup failed"))), `err.cause="no rows; caused by: lookup failed"`},
		"too deep":                 {new(status.Encoder).Encode(t.Context(), wrapped(errors.New("dial: refused"), 100)).Err(), `dial: refused"`},
		"a control character":      {status.Wrap(errors.New("a\nb\u202ec"), codes.SrvDatabase, "d\x1be"), `err.message="d e" err.cause="a b c"`},
		"encoded, with all causes": {new(status.Encoder).Encode(t.Context(), fmt.Errorf("a: %w", inner)).Err(), `err.cause="a; caused by: dial: refused"`},
		"encoded, with io.EOF":     {new(status.Encoder).Encode(t.Context(), eofError{}).Err(), `err.cause="end of the file"`},
	} {
		if got := logged(tt.err); !strings.HasSuffix(got, tt.want) || strings.Count(got, "dial: refused") > 1 && name != "too deep" || strings.Contains(got, "hunter2") {
			t.Errorf("%s: the log is %s; want it to end with %s", name, got, tt.want)
		}
	}
}

type eofError struct{}

func (eofError) Error() string { return "end of the file" }
func (eofError) Unwrap() error { return io.EOF }

// A join can have any number of causes.
func TestLogValueHasAtMostTenCauses(t *testing.T) {
	var many []error
	for i := range 20 {
		many = append(many, status.Wrap(fmt.Errorf("cause %d", i), codes.SrvData, "x"))
	}
	got := logged(new(status.Encoder).Encode(t.Context(), errors.Join(many...)).Err())
	if n := strings.Count(got, "caused by: cause "); n != 10 {
		t.Errorf("the log has %d causes; want the first 10: %s", n, got)
	}
	err := errors.New("root")
	for range 40 { // each has the causes of the one before twice
		err = status.Convert(status.Wrap(err, codes.SrvData, "x")).WithMessage("y").Wrap(fmt.Errorf("z: %w", err))
	}
	if got := logged(err); strings.Count(got, "caused by: ") > 20 {
		t.Errorf("the log of an error that was restated 40 times is %s", got)
	}
}

// A stack is cut in the middle: its beginning says where the panic was.
func TestStackInLogsIsBounded(t *testing.T) {
	var deep func(n int) error
	deep = func(n int) error {
		if n > 0 {
			return deep(n - 1)
		}
		return status.Recovered("x")
	}
	for _, err := range []error{deep(300), new(status.Encoder).Encode(t.Context(), deep(300)).Err()} {
		got := logged(err)
		if len(got) > 10<<10 || !strings.Contains(got, "TestStackInLogsIsBounded") || !strings.Contains(got, "bytes cut") {
			t.Errorf("the log has %d bytes; want at most 10 KiB, with the stack's beginning: %.300s…", len(got), got)
		}
	}
}

// An isEOF error says that it is io.EOF, and doesn't wrap it.
type isEOF struct{}

func (isEOF) Error() string        { return "end of the file" }
func (isEOF) Is(target error) bool { return target == io.EOF }

// A text of megabytes takes a few KiB in a log and in what %+v prints, and its beginning and
// its end stay.
func TestTextsInLogsAreBounded(t *testing.T) {
	huge := "begin " + strings.Repeat("0123456789", 1<<20) + " end"
	deep := status.Wrap(errors.New(huge), codes.SrvData, huge)
	for range 12 {
		deep = status.Wrap(deep, codes.SrvData, huge)
	}
	for name, err := range map[string]error{
		"a received status":      received(t, grpccodes.NotFound, huge),
		"a received code":        received(t, grpccodes.NotFound, huge, info("openim.io", "RECORD_NOT_FOUND", "1004")),
		"a foreign ErrorInfo":    received(t, grpccodes.NotFound, huge, info(huge, huge, "")),
		"a received outer text":  new(status.Decoder).Decode(t.Context(), fmt.Errorf("%s: %w", huge, grpcError(t, grpccodes.Aborted, huge))),
		"a Status":               status.Error(codes.Args, huge),
		"a Status with causes":   deep,
		"an encoded plain error": new(status.Encoder).Encode(t.Context(), errors.New(huge)).Err(),
		"an encoded join":        new(status.Encoder).Encode(t.Context(), errors.Join(deep, deep, errors.New(huge))).Err(),
		"a panic":                status.Recovered(huge),
		"a panic with an error":  status.Recovered(deep),
	} {
		value := logged(err)
		if len(value) > 24<<10 {
			t.Errorf("%s: the log has %d bytes; want at most 24 KiB", name, len(value))
		}
		printed := fmt.Sprintf("%+v", err)
		if _, uncoded := status.Declared(err); strings.HasPrefix(name, "a received") && !uncoded {
			printed = "" // gRPC's own text
		}
		if len(printed) > 34<<10 {
			t.Errorf("%s: %%+v prints %d bytes; want at most 34 KiB", name, len(printed))
		}
		if !strings.Contains(value, "begin 0123") || !strings.Contains(value, "6789 end") || !strings.Contains(value, "bytes cut") {
			t.Errorf("%s: the log is %.100s…; want the text's beginning and end", name, value)
		}
	}
}

// Error is one line in which every character is seen, except for gRPC's own text.
func TestErrorsAreOneVisibleLine(t *testing.T) {
	const hidden = "a\x00b\r\nc\u202ed\u2066e\u200bf\ufeffg\u0085h\u2028i"
	const shown = "a b c d e f g h i"
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"a Status":               {status.Error(codes.Args, hidden), "Args: " + shown},
		"a received code":        {received(t, grpccodes.NotFound, hidden, info("openim.io", "RECORD_NOT_FOUND", "1004")), "RecordNotFound: " + shown},
		"an encoded Status":      {new(status.Encoder).Encode(t.Context(), status.Error(codes.Args, hidden)).Err(), shown},
		"an encoded gRPC status": {new(status.Encoder).Encode(t.Context(), grpcError(t, grpccodes.Aborted, hidden)).Err(), shown},
		"a panic":                {status.Recovered(hidden), "panic: " + shown},
		"gRPC's own text":        {received(t, grpccodes.NotFound, hidden), "rpc error: code = NotFound desc = " + hidden},
	} {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("%s: Error() = %q; want %q", name, got, tt.want)
		}
	}
	if got, want := fmt.Sprintf("%+v", status.Wrap(errors.New("x\n\ty\x1b"+hidden), codes.Args, "")), "Args: invalid argument\ncaused by: x\n\ty a b \nc d e f g h i"; got != want {
		t.Errorf("%%+v prints %q; want %q", got, want)
	}
}

// Other interceptors take an error that matches io.EOF for the end of a stream.
func TestEncodedErrorNeverMatchesEOF(t *testing.T) {
	for _, err := range []error{io.EOF, eofError{}, isEOF{}, fmt.Errorf("reading: %w", isEOF{}), status.Wrap(eofError{}, codes.SrvData, "x"), errors.Join(codes.SrvData, io.EOF)} {
		encoded := new(status.Encoder).Encode(t.Context(), err)
		if errors.Is(encoded.Err(), io.EOF) || encoded.Original() != err {
			t.Errorf("Encode(%v): errors.Is(Err(), io.EOF) = %t, Original() = %v; want false, and the error", err, errors.Is(encoded.Err(), io.EOF), encoded.Original())
		}
		if !errors.Is(encoded.Err(), encoded.Code()) {
			t.Errorf("Encode(%v): Err() doesn't unwrap to %v", err, encoded.Code())
		}
	}
}

func TestLogLevel(t *testing.T) {
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(nil)
	caused, cancel := context.WithCancelCause(t.Context())
	cancel(status.Wrap(errors.New("SIGTERM"), codes.SrvNetwork, "drain"))
	const none = slog.Level(-100)
	shardError := grpcError(t, grpccodes.Aborted, "shard 7")
	mapped, cancel := context.WithCancelCause(t.Context())
	cancel(shardError)
	rules := []status.Rule{{Target: errNoRows, Code: codes.SrvDatabase}, {Target: shardError, Code: codes.SrvNetwork}}
	for name, tt := range map[string]struct {
		ctx  context.Context
		err  error
		want slog.Level
	}{
		"success":                          {t.Context(), nil, none},
		"a code":                           {t.Context(), codes.SrvDatabase, none},
		"a public Status":                  {t.Context(), status.Error(codes.SrvDatabase, "x"), none},
		"a cause":                          {t.Context(), status.Wrap(errNoRows, codes.SrvDatabase, "x"), slog.LevelError},
		"a restated cause":                 {t.Context(), status.Convert(status.Wrap(errNoRows, codes.SrvDatabase, "x")).WithMetadata("key", "v").Err(), slog.LevelError},
		"a restated code":                  {t.Context(), status.Convert(codes.SrvDatabase).WithMetadata("key", "v").Err(), none},
		"a restated plain error":           {t.Context(), status.Convert(errors.New("x")).WithMetadata("key", "v").Err(), slog.LevelError},
		"a restated upstream":              {t.Context(), status.Convert(received(t, grpccodes.Internal, "x")).WithMessage("y").Err(), slog.LevelError},
		"a DebugInfo":                      {t.Context(), status.New(codes.SrvDatabase, "").WithDetails(&errdetails.DebugInfo{Detail: "x"}).Err(), slog.LevelError},
		"a code in a struct":               {t.Context(), queryError{codes.SrvDatabase}, slog.LevelError},
		"a cause of the caller's mistake":  {t.Context(), status.Wrap(errNoRows, codes.Args, "x"), none},
		"a cause of a transient failure":   {t.Context(), status.Wrap(errNoRows, codes.SrvNetwork, "x"), slog.LevelWarn},
		"a cause of UNIMPLEMENTED":         {t.Context(), status.Wrap(errNoRows, codes.SdkFuncNotFound, "x"), slog.LevelWarn},
		"a text around a code":             {t.Context(), fmt.Errorf("x: %w", codes.SrvDatabase), slog.LevelError},
		"a mapped error":                   {t.Context(), errNoRows, slog.LevelError},
		"a mapped gRPC status":             {t.Context(), shardError, slog.LevelWarn},
		"ended with a mapped gRPC status":  {mapped, context.Canceled, slog.LevelInfo},
		"a plain error":                    {t.Context(), errors.New("x"), slog.LevelError},
		"a gRPC status":                    {t.Context(), grpcError(t, grpccodes.Internal, "x"), none},
		"a forwarded code":                 {t.Context(), received(t, grpccodes.Internal, "x", info("openim.io", "SRV_DATABASE", "90002")), none},
		"a withheld UNAVAILABLE":           {t.Context(), received(t, grpccodes.Unavailable, "x"), slog.LevelWarn},
		"a deadline":                       {t.Context(), context.DeadlineExceeded, none},
		"a text around a deadline":         {t.Context(), fmt.Errorf("x: %w", context.DeadlineExceeded), slog.LevelWarn},
		"a panic":                          {t.Context(), status.Recovered("x"), slog.LevelError},
		"ended: a context error":           {ended, fmt.Errorf("x: %w", context.Canceled), none},
		"ended: a driver's text":           {ended, errors.New("x"), slog.LevelInfo},
		"ended: a cause":                   {ended, status.Wrap(errNoRows, codes.SrvDatabase, "x"), slog.LevelError},
		"ended with a cause: a context's":  {caused, context.Canceled, slog.LevelInfo},
		"encoded before":                   {t.Context(), new(status.Encoder).Encode(t.Context(), errNoRows).Err(), none},
		"encoded before, wrapped":          {t.Context(), fmt.Errorf("x: %w", new(status.Encoder).Encode(t.Context(), errNoRows).Err()), none},
		"a received text that is withheld": {t.Context(), status.Convert(received(t, grpccodes.DataLoss, "x")).WithMetadata("key", "v").Err(), slog.LevelError},
	} {
		level, ok := (&status.Encoder{Rules: rules}).Encode(tt.ctx, tt.err).LogLevel()
		if !ok {
			level = none
		}
		if level != tt.want {
			t.Errorf("%s: LogLevel() = %v, %t; want %v", name, level, ok, tt.want)
		}
	}
}
