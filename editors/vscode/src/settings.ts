/** What the user's settings say, without VS Code: how the server is started, and what it is told. */

export const DEFAULT_COMMAND = ["archlab", "lsp"];

/** A program and its arguments. */
export interface Command {
  command: string;
  args: string[];
}

/** The command that starts the server; the default where the setting is no list of words. */
export function commandOf(setting: unknown): Command {
  const words = Array.isArray(setting) ? setting.filter((word): word is string => typeof word === "string") : [];
  const [command, ...args] = words.length > 0 ? words : DEFAULT_COMMAND;
  return { command, args };
}

/** What the server is told when it starts, and when settings change. */
export function toldSettings(hints: unknown): { archlab: { hints?: string[] } } {
  return { archlab: Array.isArray(hints) ? { hints: hints.filter((part) => typeof part === "string") } : {} };
}

/** What a user is told whose server cannot be started. */
export function notStarted(command: string): string {
  return `archlab: '${command}' cannot be started. Install it (pip install "archlab[editor]"), or write its path into the setting archlab.command.`;
}
