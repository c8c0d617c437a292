package peers_test

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/examples/quickstart/quickstartpb"
	"github.com/errstatus/errstatus/interceptor"
	"github.com/errstatus/errstatus/status"
)

// A call describes a call of one of the quickstart's two methods. Clients in other
// languages read it as JSON.
type call struct {
	Name     string            `json:"-"`
	Code     string            `json:"code"`
	Message  string            `json:"message"`
	Metadata map[string]string `json:"metadata"`
	Stream   bool              `json:"stream"`
	Messages int               `json:"messages"` // before the end of a stream
}

func (c call) String() string {
	if !c.Stream {
		return c.Name + "/unary"
	}
	return c.Name + "/stream after " + strconv.Itoa(c.Messages)
}

// inAllWays returns the call as a unary call, as a stream that fails before its first
// message, and as a stream that fails after some. The status of the last comes in
// trailers of its own; the others are trailers-only.
func (c call) inAllWays() []call {
	ways := []call{c, c, c}
	ways[1].Stream = true
	ways[2].Stream, ways[2].Messages = true, 3
	return ways
}

// An answer is what a client reads from the end of a call.
type answer struct {
	Messages  int               `json:"messages"` // received before the end
	Canonical grpccodes.Code    `json:"canonical"`
	Message   string            `json:"message"`
	Reason    string            `json:"reason"`
	Domain    string            `json:"domain"`
	Number    int32             `json:"number"`
	Metadata  map[string]string `json:"metadata"` // without the number
}

// answerOf returns the answer that an error carries. A nil error is success.
func answerOf(messages int, err error) answer {
	if err == nil {
		return answer{Messages: messages}
	}
	st := status.Convert(err)
	return answer{
		Messages:  messages,
		Canonical: st.GRPCCode(),
		Message:   st.Message(),
		Reason:    st.Reason(),
		Domain:    st.Domain(),
		Number:    int32(status.Code(err).Number()),
		Metadata:  st.Metadata(),
	}
}

// ask makes a call with errstatus's client interceptors. It returns the number of
// messages and the call's error.
func ask(t *testing.T, conn *grpc.ClientConn, c call) (messages int, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	client := quickstartpb.NewQuickstartClient(conn)
	if !c.Stream {
		_, err := client.Fail(ctx, &quickstartpb.FailRequest{Code: c.Code, Message: c.Message, Metadata: c.Metadata})
		return 0, err
	}
	stream, err := client.FailStream(ctx, &quickstartpb.FailStreamRequest{
		Code: c.Code, Message: c.Message, Metadata: c.Metadata, Messages: int32(c.Messages),
	})
	if err != nil {
		return 0, err
	}
	for {
		if _, err := stream.Recv(); err == io.EOF {
			return messages, nil
		} else if err != nil {
			return messages, err
		}
		messages++
	}
}

// connect connects to a server, or to a proxy in front of it, and waits until the
// server serves. It returns ctx's cause if ctx ends first.
func connect(t *testing.T, ctx context.Context, address string) (*grpc.ClientConn, error) {
	t.Helper()
	soon := grpc.ConnectParams{Backoff: backoff.Config{BaseDelay: 10 * time.Millisecond, Multiplier: 1.5, MaxDelay: 200 * time.Millisecond}}
	conn, err := grpc.NewClient("passthrough:///"+address, append(interceptor.DialOptions(),
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithConnectParams(soon))...)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { conn.Close() })

	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err = grpc_health_v1.NewHealthClient(conn).Check(waiting, &grpc_health_v1.HealthCheckRequest{}, grpc.WaitForReady(true))
	if ended := context.Cause(ctx); ended != nil {
		return nil, ended
	}
	if err != nil {
		return nil, fmt.Errorf("the health check at %s: %w", address, err)
	}
	return conn, nil
}

// An exchange is a call and the wanted answer.
type exchange struct {
	call call
	want answer
}

// everyCode returns exchanges for each row of the default table.
func everyCode() []exchange {
	var all []exchange
	for row := range codes.Default().All() {
		for _, c := range (call{Name: row.Name, Code: row.Name}).inAllWays() {
			all = append(all, exchange{c, answerOfRow(row, c.Messages)})
		}
	}
	return all
}

// answerOfRow returns the answer that the table specifies.
func answerOfRow(row codes.Row, messages int) answer {
	if row.Code.Number() == 0 {
		return answer{Messages: messages}
	}
	return answer{
		Messages:  messages,
		Canonical: row.GRPCCode,
		Message:   row.Message,
		Reason:    row.Reason,
		Domain:    codes.Default().Domain(),
		Number:    int32(row.Code.Number()),
	}
}
