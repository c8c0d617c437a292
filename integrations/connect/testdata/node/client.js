// client.js ADDRESS DESCRIPTORS: calls a TestService with Connect's clients for Node and for
// browsers, and prints what they read. ../../node_test.go defines the input and the output.
import fs from 'node:fs';
import readline from 'node:readline';
import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import * as node from '@connectrpc/connect-node';
import * as web from '@connectrpc/connect-web';

const timeoutMs = 20_000;

// transports returns the transports by their names in the input. Those of connect-web use fetch,
// as in a browser.
function transports(baseUrl, sessionManager) {
  const http2 = { baseUrl, httpVersion: '2', sessionManager };
  return {
    'Connect, Node, HTTP 1.1': node.createConnectTransport({ baseUrl, httpVersion: '1.1' }),
    'Connect, Node, HTTP 2': node.createConnectTransport(http2),
    'gRPC, Node': node.createGrpcTransport({ baseUrl, sessionManager }),
    'gRPC-Web, Node, HTTP 1.1': node.createGrpcWebTransport({ baseUrl, httpVersion: '1.1' }),
    'gRPC-Web, Node, HTTP 2': node.createGrpcWebTransport(http2),
    'Connect, web': web.createConnectTransport({ baseUrl }),
    'gRPC-Web, web': web.createGrpcWebTransport({ baseUrl }),
  };
}

// finished makes a call and resolves to the number of messages that arrived, and the error.
async function finished(client, { code, message, messages, stream }) {
  const request = { responseStatus: { code, message } };
  let received = 0;
  try {
    if (!stream) {
      await client.unaryCall(request, { timeoutMs });
      return { received, error: null };
    }
    const responseParameters = Array.from({ length: messages }, () => ({}));
    for await (const _ of client.streamingOutputCall({ ...request, responseParameters }, { timeoutMs })) received++;
    return { received, error: null };
  } catch (error) {
    return { received, error };
  }
}

function answer(registry, { received, error }) {
  if (!(error instanceof ConnectError)) throw error ?? new Error('the call succeeded; want a failure');
  const [info] = error.findDetails(registry.getMessage('google.rpc.ErrorInfo'));
  const [badRequest] = error.findDetails(registry.getMessage('google.rpc.BadRequest'));
  return {
    messages: received,
    code: Code[error.code],
    message: error.rawMessage,
    reason: info?.reason,
    domain: info?.domain,
    metadata: info?.metadata,
    fields: badRequest?.fieldViolations.map((violation) => violation.field),
    details: error.details.length,
  };
}

async function main(address, descriptors) {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, fs.readFileSync(descriptors)));
  const sessionManager = new node.Http2SessionManager(`http://${address}`);
  const all = transports(`http://${address}`, sessionManager);
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const call = JSON.parse(line);
    const client = createClient(registry.getService('grpc.testing.TestService'), all[call.transport]);
    console.log(JSON.stringify(answer(registry, await finished(client, call))));
  }
  sessionManager.abort();
}

main(...process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exit(1);
});
