/** The client of `archlab lsp` in VS Code. */

import * as vscode from "vscode";
import { LanguageClient } from "vscode-languageclient/node";
import { commandOf, notStarted, toldSettings } from "./settings";

let client: LanguageClient | undefined;

/** Start the server for YAML files; it leaves alone what is no config. */
export async function activate(context: vscode.ExtensionContext): Promise<void> {
  context.subscriptions.push(
    vscode.commands.registerCommand("archlab.restart", restart),
    vscode.workspace.onDidChangeConfiguration(changed),
  );
  await start();
}

/** Stop it. */
export async function deactivate(): Promise<void> {
  await client?.stop();
  client = undefined;
}

async function start(): Promise<void> {
  const server = commandOf(settings().get("command"));
  client = new LanguageClient(
    "archlab",
    "archlab",
    { run: server, debug: server },
    {
      documentSelector: [{ language: "yaml" }],
      initializationOptions: toldSettings(settings().get("hints")),
    },
  );
  try {
    await client.start();
  } catch {
    client = undefined;
    void vscode.window.showErrorMessage(notStarted(server.command));
  }
}

async function restart(): Promise<void> {
  await deactivate();
  await start();
}

async function changed(event: vscode.ConfigurationChangeEvent): Promise<void> {
  if (event.affectsConfiguration("archlab.command")) {
    await restart();
  } else if (event.affectsConfiguration("archlab.hints")) {
    const told = toldSettings(settings().get("hints"));
    await client?.sendNotification("workspace/didChangeConfiguration", { settings: told });
  }
}

function settings(): vscode.WorkspaceConfiguration {
  return vscode.workspace.getConfiguration("archlab");
}
