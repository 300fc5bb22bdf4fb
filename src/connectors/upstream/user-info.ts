import { definedOnly } from '../../defined-only.ts';
import { AppError } from '../../errors.ts';
import { publicKeySignatures } from '../../protocol/signature-algorithms.ts';
import { parseObject } from './token-answer.ts';
import type { HttpRequest } from './transport.ts';
import { toleranceSeconds, type UpstreamClient, type UpstreamParts } from './upstream-client.ts';

const mostUserInfoBytes = 64 * 1024;
const mostJsonBytes = 256 * 1024;

export type UserInfo =
  /** `members` is absent when the answer is no JSON object. */
  | { readonly status: 'ok'; readonly text: string; readonly members?: Readonly<Record<string, unknown>> }
  /** 401: the token is invalid; 400: it or the request; 403: it is valid, but not for user-info. */
  | { readonly status: UserInfoRefusal };

export type UserInfoRefusal = 'refused' | 'bad_request' | 'forbidden';

/**
 * The user-info answer for a token, as text and as JSON (OpenID Connect Core section 5.3). A
 * `userNameExtractionPattern` runs on the text, so openid-client, which returns JSON only, is not used here.
 * @throws AppError `unavailable`; `throttled`; JOSEError when a signed answer is not valid
 */
export const readUserInfo = async (
  client: UpstreamClient,
  parts: UpstreamParts,
  accessToken: string,
): Promise<UserInfo> => {
  const { userinfo_endpoint: url, jwks_uri: jwksUri } = await client.metadata();
  if (url === undefined) throw unsuitable('the source has no user-info endpoint: set "userInfoUri"');
  const answer = await parts.upstreams.send(client.peer, {
    ...bearer(url, accessToken),
    maxBytes: mostUserInfoBytes,
  });
  if (answer.status === 401) return { status: 'refused' };
  if (answer.status === 400) return { status: 'bad_request' };
  if (answer.status === 403 && isLimit(answer)) throw pause(answer);
  if (answer.status === 403) return { status: 'forbidden' };
  if (answer.status !== 200) throw broken(`user-info answered ${answer.status}`);
  const text = await answer.text();
  const isSigned = answer.headers.get('content-type')?.startsWith('application/jwt') === true;
  if (!isSigned) {
    const members = parseObject(text);
    return { status: 'ok', text, ...definedOnly({ members }) };
  }
  if (jwksUri === undefined) throw unsuitable('user-info is signed, and there is no jwks_uri');
  const { payload } = await parts.upstreams.keys.verify(
    text,
    { url: jwksUri, peer: client.peer },
    {
      algorithms: [...publicKeySignatures],
      clockTolerance: toleranceSeconds,
      ...definedOnly({ audience: client.source.clientId }),
    },
  );
  return { status: 'ok', text: JSON.stringify(payload), members: payload };
};

export type JsonAnswer =
  | { readonly status: 'ok'; readonly json: unknown }
  | { readonly status: 'absent' }
  /** 401: the token is invalid; 403: it is valid, but not for this. */
  | { readonly status: 'refused' | 'forbidden' };

/**
 * Further JSON about a person; undefined when there is none (404).
 * @throws AppError `unavailable`; `throttled`
 */
export const readJson = async (
  client: UpstreamClient,
  { upstreams }: UpstreamParts,
  request: { readonly url: string; readonly accessToken: string },
): Promise<JsonAnswer> => {
  const { url, accessToken } = request;
  const answer = await upstreams.send(client.peer, { ...bearer(url, accessToken), maxBytes: mostJsonBytes });
  if (answer.status === 404) return { status: 'absent' };
  if (answer.status === 401) return { status: 'refused' };
  if (answer.status === 403 && isLimit(answer)) throw pause(answer);
  if (answer.status === 403) return { status: 'forbidden' };
  const { origin, pathname } = new URL(url);
  if (answer.status !== 200) throw broken(`${origin}${pathname} answered ${answer.status}`);
  try {
    return { status: 'ok', json: await answer.json() };
  } catch {
    throw broken(`${origin}${pathname} answered no JSON`);
  }
};

/** GitHub limits requests with 403. */
const isLimit = ({ headers }: Response): boolean =>
  headers.has('retry-after') || headers.get('x-ratelimit-remaining') === '0';

const pause = (answer: Response): AppError => {
  const seconds = Number(answer.headers.get('retry-after') ?? Number.NaN);
  return new AppError('throttled', 'The identity provider asks for a pause', {
    retryAfterSeconds: Number.isInteger(seconds) && seconds > 0 ? Math.min(seconds, 3600) : 60,
  });
};

/** RFC 6750 section 2.1. */
const bearer = (url: string, accessToken: string): HttpRequest => ({
  url,
  headers: { authorization: `Bearer ${accessToken}` },
});

export const broken = (detail: string): AppError =>
  new AppError('unavailable', 'The identity provider gives no usable answer', { detail });

/** The upstream answers, but a setting here or there must be changed first. */
export const unsuitable = (detail: string): AppError =>
  new AppError('unavailable', 'The identity provider is not set up for this sign-in', {
    detail,
    isLasting: true,
  });
