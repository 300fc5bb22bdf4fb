import type { IncomingMessage } from 'node:http';
import { Busboy, type BusboyHeaders } from '@fastify/busboy';
import type { Context } from 'koa';
import { AppError } from '../errors.ts';

/** A form with one file (RFC 7578). */
export interface FileForm {
  readonly fields: Readonly<Record<string, string>>;
  /** Undefined when it is larger than allowed; empty when none was chosen. */
  readonly file: Buffer | undefined;
}

/** A body of this many times the file's limit is not read to its end. */
const mostTooLarge = 4;

/**
 * The fields of the form, unchecked.
 * @throws AppError `invalid_request`; errors with status 413 and 415
 */
export const readFileForm = async (ctx: Context, longestFile: number): Promise<FileForm> => {
  if (ctx.is('multipart/form-data') === false) ctx.throw(415, 'A form with a file is expected');
  if (isFarTooLarge(ctx, longestFile)) ctx.throw(413, 'The file is too large');
  try {
    return await parse(ctx.req, longestFile);
  } catch (error) {
    throw new AppError('invalid_request', 'The form cannot be read: it is malformed', {
      cause: new Error((error as Error).name), // its message may quote the body
    });
  }
};

const parse = (req: IncomingMessage, longestFile: number): Promise<FileForm> =>
  new Promise((resolve, reject) => {
    const fields: Record<string, string> = {};
    const chunks: Buffer[] = [];
    let isTooLarge = false;
    const parser = new Busboy({
      headers: req.headers as BusboyHeaders, // the content type was checked
      limits: { fileSize: longestFile, files: 1, fields: 10, fieldSize: 4096, parts: 12, headerPairs: 20 },
    });
    parser.on('field', (name, value) => {
      fields[name] = value;
    });
    parser.on('file', (_name, file) => {
      file.on('data', (chunk: Buffer) => chunks.push(chunk));
      file.on('limit', () => {
        isTooLarge = true;
        chunks.length = 0;
      });
      file.on('error', reject);
    });
    parser.on('finish', () => resolve({ fields, file: isTooLarge ? undefined : Buffer.concat(chunks) }));
    parser.on('error', reject);
    req.on('aborted', () => reject(new Error('aborted')));
    req.on('error', reject);
    req.pipe(parser);
  });

/** The bytes of a body. Undefined when there are more than allowed. */
export const readBytes = async (ctx: Context, most: number): Promise<Buffer | undefined> => {
  if (isFarTooLarge(ctx, most)) return undefined;
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of ctx.req as AsyncIterable<Buffer>) {
    length += chunk.length;
    // a client that is still sending would not see the refusal
    if (length <= most) chunks.push(chunk);
    else chunks.length = 0;
    if (length > most * mostTooLarge) break;
  }
  return length > most ? undefined : Buffer.concat(chunks);
};

/** Such a body is not read, and the connection cannot be used again. */
const isFarTooLarge = (ctx: Context, most: number): boolean => {
  if ((ctx.request.length ?? 0) <= most * mostTooLarge) return false;
  ctx.set('Connection', 'close');
  return true;
};
