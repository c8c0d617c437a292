// Package e2e tests errstatus from end to end, through real servers and clients,
// one subject a file.
package e2e_test

import (
	"testing"

	"github.com/errstatus/errstatus/internal/testrpc"
)

func TestMain(m *testing.M) { testrpc.Main(m) }
