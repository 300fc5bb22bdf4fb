import { CommandFailure, usageFailure } from './exit.ts';

/** Is there a person who can answer? */
export const canAsk = (): boolean => process.stdin.isTTY === true;

/** Returns the fault in an answer, or undefined. */
export type Judge = (answer: string) => string | undefined;

// Results go to standard output, questions do not.
const output = process.stderr;

const answered = <T>(answer: T): Exclude<T, symbol> => {
  if (typeof answer === 'symbol') throw new CommandFailure('Cancelled; nothing was changed.');
  return answer as Exclude<T, symbol>; // symbols are gone
};

export const askText = async (
  message: string,
  { initial, judge }: { readonly initial?: string; readonly judge: Judge },
): Promise<string> => {
  const { text } = await import('@clack/prompts');
  const answer = answered(
    await text({
      message,
      output,
      ...(initial === undefined ? {} : { placeholder: initial, defaultValue: initial }),
      validate: (typed) => judge(typed?.trim() || (initial ?? '')),
    }),
  );
  return answer.trim();
};

export const askConfirmation = async (message: string): Promise<boolean> => {
  const { confirm } = await import('@clack/prompts');
  return answered(await confirm({ message, output, initialValue: false }));
};

const askNewPassword = async (message: string, judge: Judge): Promise<string> => {
  const { password } = await import('@clack/prompts');
  const chosen = answered(await password({ message, output, validate: (answer) => judge(answer ?? '') }));
  answered(
    await password({
      message: 'The same again',
      output,
      validate: (answer) => (answer === chosen ? undefined : 'That is not the same; type it again.'),
    }),
  );
  return chosen;
};

const mostPasswordBytes = 4096;

/** The whole standard input, without the line end that `echo` adds. */
const readPassword = async (): Promise<string> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > mostPasswordBytes) throw usageFailure('Standard input holds more than a password.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '');
};

export interface NewPasswordOptions {
  readonly passwordStdin?: boolean;
}

/**
 * A new password: from standard input, or asked for twice at a terminal. Never from the command line, which others
 * on this machine can read.
 * @throws CommandFailure when there is no terminal to ask at, or the password is refused
 */
export const takeNewPassword = async (
  { passwordStdin }: NewPasswordOptions,
  { message, judge }: { readonly message: string; readonly judge: Judge },
): Promise<string> => {
  if (!passwordStdin && canAsk()) return askNewPassword(message, judge);
  if (!passwordStdin) {
    throw usageFailure(
      'A password is needed and there is no terminal to ask at. Pipe it in and add --password-stdin.',
    );
  }
  const chosen = await readPassword();
  const fault = judge(chosen);
  if (fault !== undefined) throw new CommandFailure(fault);
  return chosen;
};
