import type { IncomingMessage } from 'node:http';

/** Bytes of the longest head that Node reads. */
export const longestHead = 128 * 1024;
/** Bytes without the ID token of a hint. */
const longestUsual = 16 * 1024;

/**
 * Apps send the ID token back in the address of a sign-out or a request (OpenID Connect RP-Initiated Logout 1.0 section
 * 2, Core section 3.1.2.1), and that of a person in hundreds of groups is longer than all else may be.
 */
const hint = /^\/oauth\/[^?#]*\/(?:auth|session\/end)\/?\?(?:[^#]*&)?id_token_hint=([^&#]*)/i;

export const isHeadTooLong = ({ url = '', rawHeaders }: IncomingMessage): boolean => {
  const headers = rawHeaders.reduce((sum, text) => sum + text.length + 2, 0);
  const total = url.length + headers;
  return total > longestUsual && total - (hint.exec(url)?.[1]?.length ?? 0) > longestUsual;
};
