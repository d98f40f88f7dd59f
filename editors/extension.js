// Starts `gpubp lsp` for `.net` files and hands its answers to Visual Studio Code.
"use strict";

const vscode = require("vscode");

let client;

function activate() {
  let languageclient;
  try {
    languageclient = require("vscode-languageclient/node");
  } catch {
    vscode.window.showWarningMessage("gpubp: findings and completions need `npm install` in the extension's folder");
    return undefined;
  }
  const [command, ...args] = vscode.workspace.getConfiguration("gpubp").get("command");
  const options = { documentSelector: [{ language: "gpubp" }] };
  client = new languageclient.LanguageClient("gpubp", "gpubp", { command, args }, options);
  return client.start();
}

function deactivate() {
  return client && client.stop();
}

module.exports = { activate, deactivate };
