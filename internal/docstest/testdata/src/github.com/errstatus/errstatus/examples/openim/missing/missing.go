// Package missing stands for the one in the module examples/openim.
package missing

import "github.com/errstatus/errstatus/codes"

var Table *codes.Table
