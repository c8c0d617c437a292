// client.js ADDRESS DESCRIPTORS: calls the quickstart and prints the answers that
// gRPC for Node gets. ../client_test.go defines the input and the output.
'use strict';

const fs = require('node:fs');
const readline = require('node:readline');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const detailsKey = 'grpc-status-details-bin';
const timeout = 20_000; // milliseconds

// entries and object convert a map field to a list of messages and back: with
// descriptors, proto-loader does not know that the list is a map.
const entries = (object) => Object.entries(object ?? {}).map(([key, value]) => ({ key, value }));
const object = (entries) => Object.fromEntries(entries.map(({ key, value }) => [key, value]));

// finished makes a call and resolves to the number of messages and the error, which
// is null for success.
function finished(client, { stream, messages, code, message, metadata }) {
  const request = { code, message, metadata: entries(metadata) };
  const options = { deadline: Date.now() + timeout };
  return new Promise((resolve) => {
    if (!stream) {
      client.Fail(request, options, (error) => resolve({ messages: 0, error }));
      return;
    }
    let received = 0;
    client.FailStream({ ...request, messages }, options)
      .on('data', () => received++)
      .on('error', (error) => resolve({ messages: received, error }))
      .on('end', () => resolve({ messages: received, error: null }));
  });
}

// richStatus returns the google.rpc.Status in an error's trailers. It throws if the
// code or the message differ from gRPC's own.
function richStatus(types, error) {
  const [bytes] = error.metadata.get(detailsKey);
  if (bytes === undefined) return { details: [] };
  const status = types['google.rpc.Status'].deserialize(bytes);
  if (status.code !== error.code || status.message !== error.details) {
    throw new Error(`${detailsKey} has ${status.code}, ${status.message}, but the call ended with ${error.code}, ${error.details}`);
  }
  return status;
}

function errorInfo(types, error) {
  const detail = richStatus(types, error).details
    .find((any) => any.type_url === 'type.googleapis.com/google.rpc.ErrorInfo');
  return types['google.rpc.ErrorInfo'].deserialize(detail?.value ?? Buffer.alloc(0));
}

function answer(types, { messages, error }) {
  if (error === null) {
    return { messages, canonical: 0, message: '', reason: '', domain: '', number: 0, metadata: {} };
  }
  const info = errorInfo(types, error);
  const { code, ...metadata } = object(info.metadata);
  return {
    messages,
    canonical: error.code,
    message: error.details,
    reason: info.reason,
    domain: info.domain,
    number: Number(code ?? 0),
    metadata,
  };
}

async function main(address, descriptors) {
  const types = loader.loadFileDescriptorSetFromBuffer(fs.readFileSync(descriptors), { defaults: true, arrays: true });
  const { Quickstart } = grpc.loadPackageDefinition(types).errstatus.quickstart.v1;
  // Without this, gRPC uses a proxy from the environment, also for loopback.
  const client = new Quickstart(address, grpc.credentials.createInsecure(), { 'grpc.enable_http_proxy': 0 });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(answer(types, await finished(client, JSON.parse(line)))));
  }
  client.close();
}

main(...process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exit(1);
});
