import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { type Answer, type Parameters, type Pkce, pkce, postAs } from './oauth-client.ts';
import { confidential, type KnownClient, openClient, publicClient, webClient } from './sample-tenants.ts';

/** A public app with a sign-in page of its own. */
export const app = openClient('app', 'https://app.example.com/callback');
/** Confidential. */
export const backend = confidential('backend');
export const appOrigin = 'https://app.example.com';

export const directClients = [
  publicClient(app, {
    application_type: 'web',
    directLogin: true,
    emailCode: true,
    allowedOrigins: [appOrigin],
  }),
  webClient(backend, { directLogin: true }),
] as const;

/** One request to the authorization challenge endpoint. */
export const challenge = (
  issuer: string,
  form: Parameters,
  { client = app, headers = {} }: { client?: KnownClient; headers?: Readonly<Record<string, string>> } = {},
): Promise<Answer> => postAs(client, `${issuer}/authorize-challenge`, { form, headers });

/** The parameters of a first request. */
export const firstRequest = ({ challenge: code_challenge }: Pkce, more: Parameters = {}): Parameters => ({
  response_type: 'code',
  scope: 'openid',
  code_challenge,
  code_challenge_method: 'S256',
  ...more,
});

/** What the answer asks for next, and the session for it. */
export const nextOf = ({ body }: Answer): { readonly auth_session: string } => ({
  auth_session: String(body.auth_session),
});

export const redeemDirectly = (
  issuer: string,
  { body }: Answer,
  {
    verifier,
    client = app,
    resource,
    headers = {},
  }: Pick<Pkce, 'verifier'> & {
    readonly client?: KnownClient;
    readonly resource?: string;
    readonly headers?: Readonly<Record<string, string>>;
  },
): Promise<Answer> =>
  postAs(client, `${issuer}/token`, {
    form: {
      grant_type: 'authorization_code',
      code: String(body.authorization_code),
      code_verifier: verifier,
      resource,
    },
    headers,
  });

/** @throws Error unless there are tokens */
export const signInDirectly = async (
  issuer: string,
  who: { readonly username: string; readonly password: string; readonly otp?: string },
  more: Parameters & { readonly client?: never } = {},
): Promise<Answer['body'] & { readonly access_token: string }> => {
  const proof = pkce();
  const answer = await challenge(issuer, { ...firstRequest(proof, more), ...who });
  const { status, body } = await redeemDirectly(issuer, answer, proof);
  if (status !== 200 || body.access_token === undefined)
    throw new Error(`no tokens, but ${JSON.stringify([answer.body, body])}`);
  return { ...body, access_token: body.access_token };
};

/** A key of an app, with which it signs DPoP proofs (RFC 9449 section 4.2). */
export const createDpopKey = async () => {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = await exportJWK(publicKey);
  return {
    jwk,
    privateJwk: await exportJWK(privateKey),
    thumbprint: await calculateJwkThumbprint(jwk),
    /** @param claims in place of the right ones @param header the same */
    proofFor: async (
      htu: string,
      claims: Readonly<Record<string, unknown>> = {},
      header: Readonly<Record<string, unknown>> = {},
    ): Promise<{ readonly DPoP: string }> => ({
      DPoP: await new SignJWT({
        ...{ htm: 'POST', htu, jti: crypto.randomUUID(), iat: Math.floor(Date.now() / 1000) },
        ...claims,
      })
        .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk, ...header })
        .sign(privateKey),
    }),
  };
};
