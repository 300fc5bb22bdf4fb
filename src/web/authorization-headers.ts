import type { IncomingMessage } from 'node:http';

/**
 * Of two `Authorization` headers Node returns only the first, and a proxy in front perhaps checked the second. They
 * become one with a comma (RFC 9110 section 5.3), which no scheme accepts: two credentials are none.
 */
export const joinAuthorizations = ({
  headers,
  rawHeaders,
}: Pick<IncomingMessage, 'headers' | 'rawHeaders'>): void => {
  const values: (string | undefined)[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i];
    if (name?.length === 13 && name.toLowerCase() === 'authorization') values.push(rawHeaders[i + 1]);
  }
  if (values.length > 1) headers.authorization = values.join(', ');
};
