import type { IncomingMessage } from 'node:http';

/** The provider's own limit for form bodies. */
const limitBytes = 56 * 1024;

/**
 * Reads a form body of known length and puts back what `replace` makes of it, so that the provider, which reads
 * the body itself, sees a request like any other. Bodies of unknown or excessive length are left for it to judge.
 */
export const rewriteForm = async (
  req: IncomingMessage,
  replace: (body: string) => Promise<string>,
): Promise<void> => {
  const length = Number(req.headers['content-length'] ?? Number.NaN);
  if (!Number.isInteger(length) || length <= 0 || length > limitBytes) return;
  if (req.headers['content-type']?.toLowerCase().startsWith('application/x-www-form-urlencoded') !== true)
    return;
  const body = await readExactly(req, length);
  if (body === undefined) return;
  const replaced = Buffer.from(await replace(body.toString('utf8')));
  req.headers['content-length'] = String(replaced.length);
  req.unshift(replaced);
};

/** Leaves the stream readable: its end is not consumed. Undefined when the request ends early. */
const readExactly = (req: IncomingMessage, length: number): Promise<Buffer | undefined> =>
  new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let received = 0;
    const finish = (body: Buffer | undefined): void => {
      req.off('readable', read).off('close', giveUp).off('error', giveUp);
      resolve(body);
    };
    const giveUp = (): void => finish(undefined);
    const read = (): void => {
      while (received < length) {
        const chunk: Buffer | null = req.read();
        if (chunk === null) return;
        chunks.push(chunk);
        received += chunk.length;
      }
      finish(Buffer.concat(chunks, received));
    };
    req.on('readable', read).on('close', giveUp).on('error', giveUp);
    read();
  });
