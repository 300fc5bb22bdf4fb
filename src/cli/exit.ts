export const exitCodes = { ok: 0, failure: 1, usage: 2, badConfig: 78 } as const;

/** Ends the command with a message for the person who typed it: the fault and the remedy. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  readonly exitCode: number;

  constructor(message: string, exitCode: number = exitCodes.failure) {
    super(message);
    this.exitCode = exitCode;
  }
}

export const usageFailure = (message: string): CommandFailure => new CommandFailure(message, exitCodes.usage);
