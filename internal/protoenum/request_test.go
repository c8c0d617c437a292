package protoenum

import (
	"testing"

	"github.com/errstatus/errstatus/codes/annotations"
)

// The pages name the numbers.
func TestOptionNumbers(t *testing.T) {
	domain, canonical, row := annotations.E_Domain.TypeDescriptor(), annotations.E_DefaultGrpcCode.TypeDescriptor(), annotations.E_Row.TypeDescriptor()
	if domain.Number() != 51276 || canonical.Number() != 51277 || row.Number() != 51276 {
		t.Errorf("the options have the numbers %d, %d and %d; want 51276, 51277 and 51276", domain.Number(), canonical.Number(), row.Number())
	}
}
