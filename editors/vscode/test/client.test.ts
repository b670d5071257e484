/** The settings, and a conversation with the real server over the protocol's own library. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  CodeLensRequest,
  createProtocolConnection,
  DidChangeConfigurationNotification,
  DidOpenTextDocumentNotification,
  ExitNotification,
  InitializedNotification,
  InitializeRequest,
  InlayHintRequest,
  PublishDiagnosticsNotification,
  ShutdownRequest,
  StreamMessageReader,
  StreamMessageWriter,
} from "vscode-languageserver-protocol/node";
import { commandOf, DEFAULT_COMMAND, notStarted, toldSettings } from "../src/settings";

const TEXT = `archlab: 1
input: [3, 32, 32]
layers:
  - {type: conv2d, out_channels: 8, kernel_size: 3}
  - {type: dropuot}
`;
const EVERYWHERE = { start: { line: 0, character: 0 }, end: { line: 99, character: 0 } };

test("settings that are no lists are the defaults", () => {
  assert.deepEqual(commandOf(undefined), { command: DEFAULT_COMMAND[0], args: DEFAULT_COMMAND.slice(1) });
  assert.deepEqual(commandOf(["/venv/bin/archlab", "lsp", "--hints", "shape"]), {
    command: "/venv/bin/archlab",
    args: ["lsp", "--hints", "shape"],
  });
  assert.deepEqual(toldSettings("shape"), { archlab: {} });
  assert.match(notStarted("archlab"), /pip install/);
});

test("hints are shown whole, in YAML alone", () => {
  const { contributes } = JSON.parse(readFileSync("package.json", "utf8"));
  assert.deepEqual(contributes.configurationDefaults, { "[yaml]": { "editor.inlayHints.maximumLength": 0 } });
});

test("the server answers", async () => {
  const { command, args } = commandOf(JSON.parse(process.env.ARCHLAB_LSP ?? "null"));
  const server = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const connection = createProtocolConnection(
    new StreamMessageReader(server.stdout),
    new StreamMessageWriter(server.stdin),
  );
  connection.listen();
  const problems = new Promise<string[]>((resolve) => {
    connection.onNotification(PublishDiagnosticsNotification.type, (told) => {
      resolve(told.diagnostics.map((problem) => `${problem.range.start.line}: ${problem.code}`));
    });
  });
  const told = await connection.sendRequest(InitializeRequest.type, {
    processId: process.pid,
    rootUri: null,
    capabilities: {},
    initializationOptions: toldSettings(["shape", "params"]),
  });
  assert.equal(told.serverInfo?.name, "archlab");
  await connection.sendNotification(InitializedNotification.type, {});
  const uri = "file:///nowhere/net.yaml";
  const textDocument = { uri, languageId: "yaml", version: 1, text: TEXT };
  await connection.sendNotification(DidOpenTextDocumentNotification.type, { textDocument });
  const hints = async () => {
    const found = await connection.sendRequest(InlayHintRequest.type, { textDocument: { uri }, range: EVERYWHERE });
    return found?.map((hint) => hint.label);
  };
  assert.deepEqual(await hints(), ["8x30x30 · 224 params"]);
  await connection.sendNotification(DidChangeConfigurationNotification.type, { settings: toldSettings(["macs"]) });
  assert.deepEqual(await hints(), ["194.4 k MACs"]);
  assert.deepEqual(await problems, ["4: unknown-layer"]);
  const lenses = await connection.sendRequest(CodeLensRequest.type, { textDocument: { uri } });
  assert.deepEqual(lenses?.map((lens) => lens.command?.title), ["net: 1 problem"]);
  await connection.sendRequest(ShutdownRequest.type);
  await connection.sendNotification(ExitNotification.type);
  const status = await new Promise((resolve) => server.once("exit", resolve));
  assert.equal(status, 0);
  connection.dispose();
});
