import type { IncomingMessage } from 'node:http';

/** The provider's own limit for form bodies. */
const limitBytes = 56 * 1024;

/**
 * Reads a form body and puts back the result of `replace`, so that the provider, which reads the body itself, gets an
 * ordinary request. A body of excessive length is not touched: the provider refuses it.
 */
export const rewriteForm = async (
  req: IncomingMessage,
  replace: (body: string) => Promise<string>,
): Promise<void> => {
  const body = await takeBody(req);
  if (body === undefined) return;
  const replaced = Buffer.from(await replace(body));
  req.headers['content-length'] = String(replaced.length);
  delete req.headers['transfer-encoding'];
  req.unshift(replaced);
};

/** The form of a request, which has it no longer: empty without a body; undefined when it cannot be read. */
export const takeForm = async (req: IncomingMessage): Promise<URLSearchParams | undefined> => {
  const { 'content-length': length, 'transfer-encoding': encoding } = req.headers;
  if (encoding === undefined && (length === undefined || length === '0')) return new URLSearchParams();
  const body = await takeBody(req);
  return body === undefined ? undefined : new URLSearchParams(body);
};

/** Makes the request a POST of this form. Its former body must have been read before. */
export const postForm = (req: IncomingMessage, form: URLSearchParams): void => {
  const body = Buffer.from(form.toString());
  req.method = 'POST';
  req.headers['content-type'] = 'application/x-www-form-urlencoded';
  req.headers['content-length'] = String(body.length);
  delete req.headers['transfer-encoding'];
  req.unshift(body);
};

const takeBody = async (req: IncomingMessage): Promise<string | undefined> => {
  if (req.headers['content-type']?.toLowerCase().startsWith('application/x-www-form-urlencoded') !== true)
    return undefined;
  if (req.headers['transfer-encoding'] !== undefined) return (await readChunked(req))?.toString('utf8');
  const length = Number(req.headers['content-length'] ?? Number.NaN);
  if (!Number.isInteger(length) || length <= 0 || length > limitBytes) return undefined;
  return (await readExactly(req, length))?.toString('utf8');
};

/**
 * The same as `readExactly`, of a body whose length is known at its end (RFC 9112 section 7.1). One that is too long is
 * put back, as far as it was read.
 */
const readChunked = (req: IncomingMessage): Promise<Buffer | undefined> =>
  new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let received = 0;
    const finish = (body: Buffer | undefined): void => {
      req.off('readable', read).off('end', giveUp).off('close', giveUp).off('error', giveUp);
      resolve(body);
    };
    const giveUp = (): void => finish(undefined);
    const read = (): void => {
      // what is there and no more: to read further would consume the end
      const chunk: Buffer | null = req.readableLength === 0 ? null : req.read(req.readableLength);
      if (chunk !== null) chunks.push(chunk);
      received += chunk?.length ?? 0;
      if (received > limitBytes) {
        req.unshift(Buffer.concat(chunks));
        giveUp();
      } else if (req.complete && req.readableLength === 0) finish(Buffer.concat(chunks));
    };
    req.on('readable', read).on('end', giveUp).on('close', giveUp).on('error', giveUp);
  });

/** The stream stays readable: its end is not consumed. Undefined when the request ends early. */
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
