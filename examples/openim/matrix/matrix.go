package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/openimsdk/tools/errs"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/examples/openim/internal/fleet"
	"github.com/errstatus/errstatus/interceptor"
)

// A column is a server, and a client of it.
type column struct {
	server fleet.Server
	client fleet.Client

	// want is what the client should read for a code.
	want func(row codes.Row) fleet.Reading

	// wire is which code should be in the place of a canonical code, where the
	// client's errors tell; nil for OpenIM's, whose don't.
	wire func(row codes.Row) grpccodes.Code
}

// A cell is what the client of a column read for a code.
type cell struct {
	column    column
	row       codes.Row
	got, want fleet.Reading

	gotWire, wantWire grpccodes.Code // 0 where the client doesn't tell
}

func (c cell) right() bool { return c.got == c.want && c.gotWire == c.wantWire }

type matrix struct {
	columns []column
	rows    []codes.Row
	cells   map[string][]cell // by the row's name, in the order of the columns
}

// columns are all of them. Numbers get through wherever one side of the wire has
// errstatus, but for canonical statuses to OpenIM's clients, which read no number
// of them.
func columns() []column {
	var all []column
	add := func(s fleet.Server, mw, convert, ours func(codes.Row) fleet.Reading, wire func(codes.Row) grpccodes.Code) {
		all = append(all, column{s, fleet.OldClientMW, mw, nil}, column{s, fleet.OldClientConvert, convert, nil},
			column{s, fleet.NewClient, ours, wire}, column{s, fleet.AdaptedClient, ours, wire})
	}
	never, always, negotiated := fleet.New(interceptor.OpenIMNever), fleet.New(interceptor.OpenIMAlways), fleet.New(interceptor.OpenIMNegotiated)
	add(fleet.OldMW, whole(mwOfNoError), whole(mwOfNoError), whole(mwOfNoError), number(errs.ServerInternalError))
	add(fleet.OldConvert, whole(fleet.Reading{}), whole(fleet.Reading{}), whole(fleet.Reading{}), number(0)) // its NoError is a success
	add(never, canonicalByMW, canonicalByConvert, whole(oursOfNoError), canonicalCode)
	add(always, whole(oursOfNoError), whole(oursOfNoError), whole(oursOfNoError), number(errs.ServerInternalError))
	add(negotiated, whole(oursOfNoError), whole(oursOfNoError), whole(oursOfNoError), canonicalCode)
	return all
}

// number is the code's own, and something else for NoError.
func number(ofNoError grpccodes.Code) func(codes.Row) grpccodes.Code {
	return func(row codes.Row) grpccodes.Code {
		if row.Code.Number() == 0 {
			return ofNoError
		}
		return grpccodes.Code(row.Code.Number())
	}
}

func canonicalCode(row codes.Row) grpccodes.Code {
	code, _ := canonical(row)
	return code
}

// What the handler returns for a code.
func handlers(row codes.Row) fleet.Reading {
	return fleet.Reading{Code: int(row.Code.Number()), Msg: row.Name + "Error", Detail: "row 42"}
}

// What is made of a CodeError with the number of NoError, which is no error.
var (
	mwOfNoError   = fleet.Reading{Code: errs.ServerInternalError, Msg: "NoErrorError", Detail: "row 42"}
	oursOfNoError = fleet.Reading{Code: errs.ServerInternalError, Msg: "internal server error"}
)

// whole is the code, the message and the detail, and something else for NoError.
func whole(ofNoError fleet.Reading) func(codes.Row) fleet.Reading {
	return func(row codes.Row) fleet.Reading {
		if row.Code.Number() == 0 {
			return ofNoError
		}
		return handlers(row)
	}
}

// canonicalByMW: OpenIM's older client takes a canonical code for a number of its
// own, and finds no detail.
func canonicalByMW(row codes.Row) fleet.Reading {
	code, message := canonical(row)
	return fleet.Reading{Code: int(code), Msg: message}
}

// canonicalByConvert: OpenIM's newer client makes 500 of every canonical code.
func canonicalByConvert(row codes.Row) fleet.Reading {
	code, message := canonical(row)
	if code == grpccodes.Unavailable {
		return fleet.Reading{Code: errs.ServerInternalError, Msg: "grpc service auth down, grpc message " + message}
	}
	return fleet.Reading{Code: errs.ServerInternalError, Msg: errs.ErrInternalServer.Msg(), Detail: grpcstatus.Error(code, message).Error()}
}

// canonical is what a server sends in canonical form.
func canonical(row codes.Row) (grpccodes.Code, string) {
	if row.Code.Number() == 0 {
		return grpccodes.Internal, oursOfNoError.Msg
	}
	return row.GRPCCode, handlers(row).Msg
}

// run makes all calls.
func run() (*matrix, error) {
	m := &matrix{columns: columns(), cells: make(map[string][]cell)}
	for row := range codes.Default().All() {
		m.rows = append(m.rows, row)
	}
	for _, c := range m.columns {
		if err := m.fill(c); err != nil {
			return nil, fmt.Errorf("%s to %s: %w", c.server.Name, c.client.Name, err)
		}
	}
	return m, nil
}

// fill makes the calls of a column. The token says with which code to fail.
func (m *matrix) fill(c column) error {
	server := c.server.Serve(func(_ context.Context, token string) error {
		number, err := strconv.Atoi(token)
		if err != nil {
			return errs.ErrArgs.WrapMsg(err.Error())
		}
		row, _ := codes.Default().Lookup(int32(number))
		h := handlers(row)
		return errs.NewCodeError(h.Code, h.Msg).WithDetail(h.Detail).Wrap()
	})
	defer server.Stop()
	var conn *grpc.ClientConn
	conn, err := c.client.Dial(server)
	if err != nil {
		return err
	}
	defer conn.Close()
	for _, row := range m.rows {
		err := fleet.ParseToken(conn, strconv.Itoa(int(row.Code.Number())))
		read := cell{column: c, row: row, got: c.client.Read(err), want: c.want(row)}
		if c.wire != nil {
			read.gotWire, read.wantWire = grpcstatus.Code(err), c.wire(row)
		}
		m.cells[row.Name] = append(m.cells[row.Name], read)
	}
	return nil
}

// wrong are the cells in which the client reads what it should not.
func (m *matrix) wrong() (all []cell) {
	for _, row := range m.rows {
		for _, c := range m.cells[row.Name] {
			if !c.right() {
				all = append(all, c)
			}
		}
	}
	return all
}
