export const exitCodes = { ok: 0, failure: 1, usage: 2, badConfig: 78 } as const;

/** Ends the command with words for the person who typed it: what is wrong, and what to do instead. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  readonly exitCode: number;

  constructor(message: string, exitCode: number = exitCodes.failure) {
    super(message);
    this.exitCode = exitCode;
  }
}

export const usageFailure = (message: string): CommandFailure => new CommandFailure(message, exitCodes.usage);
