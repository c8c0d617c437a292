package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/logging"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/recovery"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

// What a server logs: which failures, at which level, and how much.

// Each code is logged at the level of its canonical code if it has a cause.
func TestCauseIsLoggedAtTheLevelOfTheCode(t *testing.T) {
	logs := testrpc.CaptureLog(t)
	svc := testrpc.Returning(nil)
	client := testrpc.Connect(t, svc, interceptor.ServerOptions(interceptor.WithRequestID(func(context.Context) string { return "rpc-7" })), nil)
	for _, c := range testrpc.ErrorCodes(t) {
		svc.Return(testrpc.AtOpen, fmt.Errorf("get: %w", status.Wrap(errors.New(testrpc.Secret), c, "loading the user")))
		for _, k := range testrpc.Kinds {
			k.Call(t.Context(), client)
			row := codes.RowOf(c)
			want := []testrpc.LogRecord{{
				Level: testrpc.LevelOf(row.GRPCCode), Service: "grpc.testing.TestService", Method: k.Method, Code: row.GRPCCode.String(),
				Name: row.Name, Number: int(c.Number()), Reason: row.Reason, Message: "loading the user",
				Cause: "get; caused by: " + testrpc.Secret, RequestID: "rpc-7",
			}}
			if want[0].Level == "" {
				want = nil
			}
			if diff := cmp.Diff(want, logs()); diff != "" {
				t.Errorf("%v, %s: the log (-want +got):\n%s", c, k.Name, diff)
			}
		}
	}
}

// The level of a status that carries no code follows from its canonical code.
func TestWrappedStatusIsLoggedAtTheLevelOfItsCode(t *testing.T) {
	logs := testrpc.CaptureLog(t)
	svc := testrpc.Returning(nil)
	client := testrpc.Connect(t, svc, interceptor.ServerOptions(), nil)
	for _, canonical := range canonicalCodes() {
		svc.Return(testrpc.AtOpen, fmt.Errorf(testrpc.Secret+": %w", grpcstatus.Error(canonical, "public")))
		for _, k := range unaryAndStream {
			k.Call(t.Context(), client)
			records := logs()
			if testrpc.LevelOf(canonical) == "" {
				if len(records) > 0 {
					t.Errorf("%v, %s: the log has %v; want nothing", canonical, k.Name, records)
				}
				continue
			}
			testrpc.CheckWithheld(t, records, k.Method, canonical, testrpc.Secret)
		}
	}
}

// A row can say who is at fault. The table that the server was given counts.
func TestFaultOfARowDecidesTheLevel(t *testing.T) {
	rows := map[codes.ErrorCode]codes.Fault{
		codes.RecordNotFound: codes.FaultServer, codes.Args: codes.FaultTransient, codes.SrvDatabase: codes.FaultCaller, codes.SrvNetwork: codes.FaultServer,
	}
	want := map[codes.ErrorCode]string{codes.RecordNotFound: "ERROR", codes.Args: "WARN", codes.SrvDatabase: "", codes.SrvNetwork: "ERROR", codes.SrvData: "ERROR"}
	table := codes.Default()
	for c, fault := range rows {
		row := codes.RowOf(c)
		row.FaultOverride = fault
		table = table.MustWithRows(row)
	}
	w := watch(t, nil, interceptor.WithTable(table))
	for c, level := range want {
		call := w.fail(t.Context(), testrpc.Unary, status.Wrap(errors.New(testrpc.Secret), c, ""))
		if got := strings.Join(call.levels(), ","); got != level {
			t.Errorf("%v: the log has the levels %q; want %q", c, got, level)
		}
		fault, ok := rows[c]
		if !ok {
			fault = codes.FaultServer
		}
		if got := call.event(t).Fault; got != fault {
			t.Errorf("%v: the event's fault is %v; want %v", c, got, fault)
		}
	}
}

// hugeFailures are errors with megabytes of text.
func hugeFailures(t *testing.T) map[string]error {
	_, quoted := strconv.Atoi(strings.Repeat("\"\x01", 2<<20))
	huge := strings.Repeat("9\u0378", 1<<20)
	upstream := func(opts ...interceptor.ClientOption) error {
		return testrpc.ReceivedFromPlain(t, status.ToGRPC(status.Error(codes.SrvDatabase, huge[:1<<20])).Err(), opts...)
	}
	received := func(code grpccodes.Code) error {
		return new(status.Decoder).Decode(t.Context(), grpcstatus.Error(code, huge))
	}
	deep := status.Wrap(errors.New(huge), codes.SrvData, huge)
	for range 20 {
		deep = status.Wrap(deep, codes.SrvData, huge)
	}
	return map[string]error{
		"a number quoted by strconv":      quoted,
		"under %w":                        fmt.Errorf("page: %w", quoted),
		"as cause":                        status.Wrap(quoted, codes.SrvDatabase, "reading the page"),
		"as cause of a cause":             deep,
		"many joined":                     errors.Join(quoted, quoted, deep, received(grpccodes.Internal)),
		"a received text":                 received(grpccodes.Internal),
		"a received text, restated":       status.Convert(received(grpccodes.Internal)).WithMetadata("key", huge).Wrap(quoted),
		"an upstream's code":              upstream(),
		"an upstream's code, not trusted": fmt.Errorf("%s: %w", huge, upstream(interceptor.WithUpstreamTrust(status.TrustNone))),
		"a panic":                         status.Recovered(huge),
		"an error that panics":            errors.Join(errors.New(huge), panicsWith(huge)),
		"a gRPC status":                   fmt.Errorf("%s: %w", huge, grpcstatus.Error(grpccodes.Internal, huge)),
		"a user's value for logs":         loggedAs{slog.GroupValue(slog.String("a", huge), slog.Any("b", []string{huge, huge}))},
	}
}

type panicsWith string

func (e panicsWith) Error() string { panic(string(e)) }

// A loggedAs error has a value of its own for logs.
type loggedAs struct{ value slog.Value }

func (loggedAs) Error() string          { return "not " + "for logs" }
func (e loggedAs) LogValue() slog.Value { return e.value }

// A text of megabytes is logged as a few KiB, whatever part of a failure it is.
func TestRecordsAreBounded(t *testing.T) {
	const limit = 128 << 10
	huge := strings.Repeat("\u0378", 1<<19) // which slog's text handler writes as \u0378, 3 times as long
	for name, err := range hugeFailures(t) {
		for _, ended := range []bool{false, true} {
			records := recorded(t, err, ended, huge)
			if len(records) == 0 {
				t.Errorf("%s, ended context %t: the log is empty", name, ended)
			}
			for _, record := range records {
				if len(record) > limit {
					t.Errorf("%s, ended context %t: a record has %d bytes; want at most %d: %.300s…", name, ended, len(record), limit, record)
				}
			}
		}
		const most = 40 << 10
		encoded := interceptor.NewServer(interceptor.WithLogger(nil)).Encode(t.Context(), "/a.B/C", err)
		if printed := fmt.Sprintf("%+v", encoded.Err()); len(printed) > most {
			t.Errorf("%s: %%+v prints %d bytes of the encoded error; want at most %d", name, len(printed), most)
		}
		if printed := fmt.Sprintf("%+v", status.Convert(err).WithMessage(huge).Wrap(err)); len(printed) > most {
			t.Errorf("%s: %%+v prints %d bytes of a Status error; want at most %d", name, len(printed), most)
		}
	}
}

// recorded returns the records in which JSON and text handlers log a failure. text is in
// every place of the call that somebody else can choose.
func recorded(t testing.TB, err error, ended bool, text string) (records [][]byte) {
	t.Helper()
	var b bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewJSONHandler(&b, nil), slog.NewTextHandler(&b, nil)} {
		server := interceptor.NewServer(
			interceptor.WithLogger(slog.New(handler)),
			interceptor.WithRequestID(func(context.Context) string { return text }),
			interceptor.WithErrorMapper(func(context.Context, error) *status.Status { panic(text) }),
			interceptor.WithAmendment(func(_ context.Context, st *status.Status) *status.Status { return st.WithMetadata(text, text) }),
			interceptor.WithAmendment(func(context.Context, *status.Status) *status.Status { return nil }),
		)
		ctx, cancel := context.WithCancelCause(t.Context())
		if ended {
			cancel(fmt.Errorf("%s: %w", text, status.Wrap(errors.New(text), codes.SrvNetwork, text)))
		}
		server.Encode(ctx, "/"+text+"/"+text, err)
		cancel(nil)
	}
	for record := range bytes.Lines(b.Bytes()) {
		records = append(records, bytes.Clone(record))
	}
	return records
}

// FuzzLogRecord puts a text into every part of a failure, and checks the records.
func FuzzLogRecord(f *testing.F) {
	for _, text := range []string{"a", "a\r\nlevel=ERROR", "\u202egnp\u2066\u200b\ufeff", "\xff\xfe", strings.Repeat("é\u2028", 5000)} {
		for kind := range uint8(6) {
			f.Add(text, kind, kind%2 == 0)
		}
	}
	f.Fuzz(func(t *testing.T, text string, kind uint8, ended bool) {
		err := errors.New(text)
		switch kind % 6 {
		case 1:
			err = fmt.Errorf("%s: %w", text, status.Wrap(err, codes.SrvDatabase, text))
		case 2:
			err = new(status.Decoder).Decode(t.Context(), grpcstatus.Error(grpccodes.Internal, text))
		case 3:
			err = status.Recovered(text)
		case 4:
			err = loggedAs{slog.GroupValue(slog.String(text, text), slog.Any("b", err))}
		case 5:
			err = errors.Join(err, panicsWith(text))
		}
		for _, record := range recorded(t, err, ended, text) {
			checkRecord(t, record)
		}
		encoded := interceptor.NewServer(interceptor.WithLogger(nil)).Encode(t.Context(), "/a.B/C", err).Err()
		for _, err := range []error{encoded, status.Wrap(err, codes.Args, text), status.Convert(encoded).Err()} {
			checkVisible(t, "Error()", err.Error())
		}
	})
}

// checkRecord checks that a record is one line of bounded text.
func checkRecord(t *testing.T, record []byte) {
	t.Helper()
	if len(record) > 128<<10 {
		t.Errorf("a record has %d bytes", len(record))
	}
	line := string(bytes.TrimSuffix(record, []byte("\n")))
	if !strings.HasPrefix(line, "{") {
		checkVisible(t, "a record", line)
		return
	}
	var fields map[string]any
	if err := json.Unmarshal(record, &fields); err != nil {
		t.Fatalf("the record is %q: %v", record, err)
	}
	delete(fields, "error.stack") // has lines
	for key, value := range fields {
		checkVisible(t, key, fmt.Sprint(value))
	}
}

// checkVisible checks that a text has no runes that can't be seen or that change the line.
func checkVisible(t *testing.T, what, text string) {
	t.Helper()
	hidden := func(r rune) bool {
		return unicode.IsControl(r) || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 ||
			r >= 0x200b && r <= 0x200f || r == 0x2028 || r == 0x2029 || r == 0x2060 || r == 0xfeff
	}
	if i := strings.IndexFunc(text, hidden); i >= 0 {
		t.Errorf("%s has %q", what, text[i:min(len(text), i+20)])
	}
}

// A metadata key that isn't sent is logged once, and not more than 100 keys are.
func TestDroppedKeysAreLoggedOnce(t *testing.T) {
	w := watch(t, nil)
	fail := func(c codes.ErrorCode, keys ...string) (logged []testrpc.LogRecord) {
		st := status.New(c, "")
		for _, key := range keys {
			st = st.WithMetadata(key, "7")
		}
		return w.fail(t.Context(), testrpc.Unary, st.Err()).logs
	}
	record := func(c grpccodes.Code, key string) testrpc.LogRecord {
		return testrpc.LogRecord{Level: "WARN", Service: "grpc.testing.TestService", Method: "UnaryCall", Code: c.String(), Key: key}
	}
	want := []testrpc.LogRecord{record(grpccodes.NotFound, "Shop"), record(grpccodes.NotFound, "code")}
	if diff := cmp.Diff(want, fail(codes.RecordNotFound, "Shop", "code", "fine", "Shop")); diff != "" {
		t.Errorf("the log of two keys (-want +got):\n%s", diff)
	}
	want = []testrpc.LogRecord{record(grpccodes.Internal, "Other key ")}
	if diff := cmp.Diff(want, fail(codes.SrvDatabase, "Shop", "Other\x00key\u202e")); diff != "" {
		t.Errorf("the log of the same key and another (-want +got):\n%s", diff)
	}
	logged := 0
	for i := range 1000 {
		logged += len(fail(codes.Args, fmt.Sprint("Key", i)))
	}
	if logged != 97 {
		t.Errorf("1,000 other keys made %d records; want 97, which makes 100 together", logged)
	}
}

// The chain of README.md logs each fault once, with its private text, whatever the logger.
func TestChainLogsEachFaultOnce(t *testing.T) {
	logs := testrpc.CaptureLog(t) // stays empty
	const callers, calls = 8, 50
	faults := []func(id string) error{
		func(id string) error { return errors.New(id) },
		func(id string) error {
			return fmt.Errorf("get: %w", status.Wrap(errors.New(id), codes.SrvDatabase, "loading"))
		},
		func(id string) error { return errors.Join(errors.New(id), context.DeadlineExceeded) },
		func(id string) error { return fmt.Errorf("%s: %w", id, io.EOF) },
		func(id string) error { panic(id) },
	}
	ids := make(chan string, 1)
	svc := testrpc.Running(func(context.Context) error {
		id := <-ids
		n, _ := strconv.Atoi(strings.TrimSuffix(id[strings.LastIndex(id, "-")+1:], "."))
		return faults[n%len(faults)](id)
	})
	for name, server := range map[string]func(*records) []grpc.ServerOption{
		"go-grpc-middleware's log": func(r *records) []grpc.ServerOption { return serverOptions(r) },
		"errstatus's log": func(r *records) []grpc.ServerOption {
			recovered := recovery.WithRecoveryHandler(status.Recovered)
			return append(interceptor.ServerOptions(interceptor.WithLogger(slog.New(slog.NewTextHandler(r, nil)))),
				grpc.ChainUnaryInterceptor(recovery.UnaryServerInterceptor(recovered)), grpc.ChainStreamInterceptor(recovery.StreamServerInterceptor(recovered)))
		},
	} {
		var r records
		client := testrpc.Connect(t, svc, server(&r), nil)
		var wg sync.WaitGroup
		for caller := range callers {
			wg.Go(func() {
				for n := range calls {
					ids <- fmt.Sprintf("fault-%d-%d.", caller, n)
					testrpc.Kinds[n%len(testrpc.Kinds)].Call(t.Context(), client)
				}
			})
		}
		wg.Wait()
		for caller := range callers {
			for n := range calls {
				id := fmt.Sprintf("fault-%d-%d.", caller, n)
				if got := r.count(id); got != 1 {
					t.Errorf("%s: %s is in %d records; want 1", name, id, got)
				}
			}
		}
	}
	if got := logs(); len(got) > 0 {
		t.Errorf("slog's default logger has %v; want nothing", got)
	}
}

// records keeps the lines of a log.
type records struct {
	mu    sync.Mutex
	lines []string
}

// Write keeps a line of slog's text handler.
func (r *records) Write(line []byte) (int, error) {
	r.add(string(line))
	return len(line), nil
}

// Log keeps a line of go-grpc-middleware.
func (r *records) Log(_ context.Context, _ logging.Level, message string, fields ...any) {
	r.add(fmt.Sprintln(append([]any{message}, fields...)...))
}

func (r *records) add(line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, line)
}

// count returns the number of lines that have a text.
func (r *records) count(text string) (n int) {
	for _, line := range r.lines {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

// A forwarded fault without private text is logged if its request id replaces another one of the
// upstream: the record joins the id that the caller reads with the one in the upstream's log.
func TestReplacedRequestIDIsLogged(t *testing.T) {
	for _, tt := range []struct {
		name      string
		code      codes.Code
		upstreams string // the upstream's id
		ours      string // "" for a server without the option
		level     string // "" if it isn't logged
	}{
		{"another id", codes.SrvDatabase, "upstream-1", "rpc-7", "ERROR"},
		{"another id, transient", codes.SrvNetwork, "upstream-1", "rpc-7", "WARN"},
		{"the same id", codes.SrvDatabase, "rpc-7", "rpc-7", ""},
		{"no id of the upstream", codes.SrvDatabase, "", "rpc-7", ""},
		{"no id of this process", codes.SrvDatabase, "upstream-1", "", ""},
		{"the caller's mistake", codes.RecordNotFound, "upstream-1", "rpc-7", ""},
	} {
		var details []proto.Message
		if tt.upstreams != "" {
			details = append(details, &errdetails.RequestInfo{RequestId: tt.upstreams})
		}
		sent := grpcstatus.FromProto(testrpc.Carrying(t, tt.code, "m", details...)).Err()
		upstream := testrpc.Connect(t, testrpc.Returning(sent), nil, interceptor.DialOptions())
		var opts []interceptor.ServerOption
		if tt.ours != "" {
			opts = append(opts, interceptor.WithRequestID(func(context.Context) string { return tt.ours }))
		}
		w := watch(t, nil, opts...)
		w.Run(testrpc.AtOpen, func(ctx context.Context) error {
			_, err := testrpc.CallUnary(ctx, upstream)
			return err
		})
		for _, k := range testrpc.Kinds {
			call := w.call(t.Context(), k)
			if wanted := min(len(tt.level), 1); len(call.logs) != wanted {
				t.Errorf("%s, %s: %d records; want %d", tt.name, k.Name, len(call.logs), wanted)
				continue
			}
			for _, got := range call.logs {
				if got.Level != tt.level || got.RequestID != tt.ours || got.UpstreamRequestID != tt.upstreams {
					t.Errorf("%s, %s: the record is %+v; want %s with both ids", tt.name, k.Name, got, tt.level)
				}
			}
		}
	}
}
