import type { UpstreamSource } from '../../config/source/source-definition.ts';

/** Member for an ID token that openid-client must not check, as its issuer is not known. */
export const uncheckedIdToken = 'unchecked_id_token';

/**
 * The answer of a token endpoint, in a form in which openid-client reports its errors: it would not recognise an error
 * with status 200 (GitHub) or with a challenge (Keycloak). The ID token of a source that is no OpenID provider is of
 * use only at sign-out there; it is therefore moved to another member.
 */
export const tokenAnswer = async (answer: Response, type: UpstreamSource['type']): Promise<Response> => {
  const text = await answer.text();
  const headers = new Headers(answer.headers);
  headers.delete('www-authenticate');
  headers.delete('content-length');
  const body = parseObject(text);
  if (body === undefined) return new Response(text === '' ? null : text, { status: answer.status, headers });
  const isError = answer.status === 200 && typeof body.error === 'string';
  const conformed = withoutMalformed(body);
  const { id_token: idToken, ...rest } = conformed;
  const shown =
    type === 'oidc' || idToken === undefined ? conformed : { ...rest, [uncheckedIdToken]: idToken };
  return new Response(JSON.stringify(shown), { status: isError ? 400 : answer.status, headers });
};

const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';

/** Members of a token answer that may be absent, and their form (RFC 6749 section 5.1). */
const optional: Readonly<Record<string, (value: unknown) => boolean>> = {
  expires_in: (value) => (typeof value === 'number' || isText(value)) && Number(value) >= 0,
  refresh_token: isText,
  scope: isText,
  id_token: isText,
};

/** An optional member of the wrong form counts as absent, and without a type a token is a bearer token. */
const withoutMalformed = (body: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => {
  if (body.access_token === undefined) return body;
  const kept = Object.entries(body).filter(([name, value]) => optional[name]?.(value) !== false);
  return { ...Object.fromEntries(kept), token_type: isText(body.token_type) ? body.token_type : 'Bearer' };
};

export const parseObject = (text: string): Record<string, unknown> | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>) // an object that is no array
      : undefined;
  } catch {
    return undefined;
  }
};
