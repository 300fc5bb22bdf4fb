import type { IncomingMessage } from 'node:http';
import { rewriteForm } from './form-body.ts';

/**
 * A public client that sends Basic with its id and an empty secret, as some libraries do, is treated as one that sends
 * its id in the form (RFC 6749 section 3.2.1). For a confidential client an empty secret remains a wrong one.
 */
export const takeEmptySecret = async (
  req: IncomingMessage,
  isPublic: (clientId: string) => boolean,
): Promise<void> => {
  const id = idWithEmptySecret(req.headers.authorization);
  if (id === undefined || !isPublic(id)) return;
  await rewriteForm(req, async (body) => {
    const form = new URLSearchParams(body);
    const named = form.getAll('client_id');
    if (named.some((other) => other !== id)) return body; // the provider refuses two different ids
    if (named.length === 0) form.set('client_id', id);
    delete req.headers.authorization;
    return form.toString();
  });
};

const idWithEmptySecret = (authorization: string | undefined): string | undefined => {
  const [, encoded] = /^basic ([A-Za-z0-9+/]+={0,2})$/i.exec(authorization ?? '') ?? [];
  if (encoded === undefined) return undefined;
  const [, id] = /^([^:]+):$/.exec(Buffer.from(encoded, 'base64').toString('utf8')) ?? [];
  try {
    return id === undefined ? undefined : decodeURIComponent(id.replaceAll('+', '%20'));
  } catch {
    return undefined;
  }
};
