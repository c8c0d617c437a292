#!/bin/sh
# generate.sh [DIR] writes the Go code of billing.proto to DIR/billingpb, and the reference of
# its codes to DIR/reference. DIR is this folder by default. It needs protoc, such as that of Debian's package protobuf-compiler.
# "buf generate" writes the same code, without the version of protoc in its comments.
set -eu
cd "$(dirname "$0")"
out=${1:-.}
module=module=github.com/errstatus/errstatus/examples/billing

mkdir -p "$out/reference"
protoc -I proto -I third_party/errstatus -I third_party/googleapis \
	--plugin="protoc-gen-go=$(go tool -n protoc-gen-go)" \
	--plugin="protoc-gen-go-grpc=$(go tool -n protoc-gen-go-grpc)" \
	--plugin="protoc-gen-go-errstatus=$(go tool -n protoc-gen-go-errstatus)" \
	--plugin="protoc-gen-errstatus-doc=$(go tool -n protoc-gen-errstatus-doc)" \
	--go_out="$out" --go_opt="$module" \
	--go-grpc_out="$out" --go-grpc_opt="$module" \
	--go-errstatus_out="$out" --go-errstatus_opt="$module,attach=true" \
	--errstatus-doc_out="$out/reference" --errstatus-doc_opt=format=md+json \
	billing/v1/billing.proto
