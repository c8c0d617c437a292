// Package missing has a copy of errstatus's table with more rows: the numbers that
// OpenIM's services send, but that the enum openim.sdk.error.ErrorCode does not have.
// A client keeps a received number without a row. A server needs the row: it ignores
// the number of a CodeError, and a raw number, if its tables have no row for it.
//
// Copy the package and delete the numbers that your fleet doesn't send.
package missing

import (
	grpccodes "google.golang.org/grpc/codes"

	"github.com/errstatus/errstatus/codes"
)

// The numbers, with the names of OpenIM's constants.
const (
	UnknownCode         codes.ErrorCode = 1000  // open-im-server
	SecretNotChanged    codes.ErrorCode = 1050  // open-im-server
	OrgUserNoPermission codes.ErrorCode = 1520  // tools
	RegisterFailed      codes.ErrorCode = 10010 // open-im-server, like the next four
	ResetPasswordFailed codes.ErrorCode = 10011
	RegisterLimit       codes.ErrorCode = 10012
	LoginLimit          codes.ErrorCode = 10013
	Invitation          codes.ErrorCode = 10014
	MsgHasDeleted       codes.ErrorCode = 10207 // openim-sdk-core
)

// Table is errstatus's table with these rows. Pass it to all interceptors by
// WithTable.
var Table = mustWith(
	row(UnknownCode, "UnknownCode", "UNKNOWN_CODE", grpccodes.Unknown, "unknown error"),
	row(SecretNotChanged, "SecretNotChanged", "SECRET_NOT_CHANGED", grpccodes.FailedPrecondition, "the secret has not been changed"),
	row(OrgUserNoPermission, "OrgUserNoPermission", "ORG_USER_NO_PERMISSION", grpccodes.PermissionDenied, "the organisation's user has no permission"),
	row(RegisterFailed, "RegisterFailed", "REGISTER_FAILED", grpccodes.Internal, "registration failed"),
	row(ResetPasswordFailed, "ResetPasswordFailed", "RESET_PASSWORD_FAILED", grpccodes.Internal, "resetting the password failed"),
	row(RegisterLimit, "RegisterLimit", "REGISTER_LIMIT", grpccodes.ResourceExhausted, "too many registrations"),
	row(LoginLimit, "LoginLimit", "LOGIN_LIMIT", grpccodes.ResourceExhausted, "too many logins"),
	row(Invitation, "Invitation", "INVITATION", grpccodes.InvalidArgument, "invalid invitation"),
	row(MsgHasDeleted, "MsgHasDeleted", "MSG_HAS_DELETED", grpccodes.FailedPrecondition, "the message has been deleted"),
)

func row(code codes.ErrorCode, name, reason string, canonical grpccodes.Code, message string) codes.Row {
	return codes.Row{Code: code, Name: name, Reason: reason, GRPCCode: canonical, Message: message}
}

func mustWith(rows ...codes.Row) *codes.Table {
	table, err := codes.Default().WithRows(rows...)
	if err != nil {
		panic(err)
	}
	return table
}
