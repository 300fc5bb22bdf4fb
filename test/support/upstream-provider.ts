import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { TLSSocket } from 'node:tls';
import { decodeJwt, importJWK, type JWTHeaderParameters, type JWTPayload, SignJWT } from 'jose';
import Provider, {
  type Adapter,
  type AdapterPayload,
  type ClientMetadata,
  type Configuration,
  errors,
  type KoaContextWithOIDC,
} from 'oidc-provider';
import { generateSigningJwk, type SigningJwk } from '../../src/crypto/key-pairs.ts';
import { type FaultyServer, openFaultyServer } from './upstream-faults.ts';

/** Who is signed in at the upstream, without a page. */
export interface UpstreamLogin {
  readonly accountId: string;
  readonly acr?: string;
  readonly amr?: readonly string[];
}

/** An ID token as it is about to leave. */
export interface OutgoingToken {
  readonly claims: JWTPayload;
  readonly header: JWTHeaderParameters;
}

export interface UpstreamProvider extends Pick<FaultyServer, 'setFaults' | 'hits' | 'port'> {
  readonly issuer: string;
  /** The next visitors sign in as this person; undefined: they refuse. */
  setLogin(login: UpstreamLogin | undefined): void;
  setPerson(accountId: string, claims: Readonly<Record<string, unknown>>): void;
  /** The upstream knows these people no more: it refreshes no token of theirs. */
  disable(...accountIds: readonly string[]): void;
  /** `sid` of the last sign-in by a password; see `passwordOf`. */
  lastSid(): string;
  /** Refresh tokens of this person that are good. */
  refreshTokensOf(accountId: string): number;
  /** The refresh token that was issued last is good no more, as after a sign-out of that browser. */
  endLatestGrant(): void;
  /** Changes each ID token; returning a text sends that. Undefined: as it is. */
  tamper(change: ((token: OutgoingToken) => OutgoingToken | string | Promise<string>) | undefined): void;
  /** A new signing key; the old one is gone from the JWKS. */
  rotate(): Promise<SigningJwk>;
  readonly key: SigningJwk;
  sign(claims: Readonly<Record<string, unknown>>, header?: Partial<JWTHeaderParameters>): Promise<string>;
  /** Query of the last authorization request. */
  lastRequest(): URLSearchParams;
  close(): Promise<void>;
}

export interface UpstreamProviderOptions {
  readonly clients: readonly ClientMetadata[];
  readonly configuration?: Configuration;
  readonly person?: Readonly<Record<string, unknown>>;
  /** A second address for clients with certificates (RFC 8705 section 5); PEM. */
  readonly mtls?: { readonly ca: string; readonly cert: string; readonly key: string };
}

/** What a person types there for the password grant. */
export const passwordOf = (accountId: string): string => `the password of ${accountId}`;

/** A bare oidc-provider on loopback, as an upstream. */
export const openUpstreamProvider = async (options: UpstreamProviderOptions): Promise<UpstreamProvider> => {
  const people = new Map([['anna', { name: 'Anna', email: 'anna@upstream.test', ...options.person }]]);
  const records = new Map<string, AdapterPayload>();
  let disabled: readonly string[] = [];
  let login: UpstreamLogin | undefined = { accountId: 'anna' };
  let change: Parameters<UpstreamProvider['tamper']>[0];
  let key = await generateSigningJwk('RS256');
  let sid = '';
  let lastRequest = new URLSearchParams();
  const front = await openFaultyServer((req, res) => void listen(req, res));
  const issuer = `http://127.0.0.1:${front.port}`;

  const mtls =
    options.mtls === undefined ? undefined : await openMtlsServer(options.mtls, (...io) => listen(...io));
  const aliases = {
    token_endpoint: '/token',
    userinfo_endpoint: '/me',
    pushed_authorization_request_endpoint: '/request',
  };

  const createProvider = (): Provider =>
    new Provider(issuer, {
      clients: [...options.clients],
      jwks: { keys: [key] },
      adapter: createMemoryAdapter(records),
      cookies: { keys: ['upstream-cookie-key'] },
      claims: {
        openid: ['sub'],
        profile: ['name', 'preferred_username', 'groups'],
        email: ['email', 'email_verified'],
      },
      scopes: ['openid', 'offline_access', 'profile', 'email'],
      acrValues: ['urn:upstream:mfa'],
      findAccount: (_ctx, accountId) =>
        disabled.includes(accountId)
          ? undefined
          : { accountId, claims: () => ({ ...people.get(accountId), sub: accountId }) },
      interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
      loadExistingGrant: async (ctx) => {
        const { client, session, provider, params } = ctx.oidc;
        if (client === undefined || session?.accountId === undefined) return undefined;
        const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
        grant.addOIDCScope(String(params?.scope ?? 'openid'));
        await grant.save();
        return grant;
      },
      issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
      clientBasedCORS: () => false,
      ttl: { Interaction: 60, Grant: 600, Session: 600, AccessToken: 600, RefreshToken: 600, IdToken: 600 },
      discovery: {
        ...(mtls === undefined
          ? {}
          : {
              mtls_endpoint_aliases: Object.fromEntries(
                Object.entries(aliases).map(([name, path]) => [name, `${mtls.url}${path}`]),
              ),
            }),
      },
      ...options.configuration,
      features: {
        mTLS: {
          enabled: mtls !== undefined,
          tlsClientAuth: true,
          selfSignedTlsClientAuth: true,
          getCertificate: (ctx) => peerOf(ctx.socket)?.raw.toString('base64'),
          certificateAuthorized: (ctx) => ctx.socket instanceof TLSSocket && ctx.socket.authorized,
          certificateSubjectMatches: (ctx, property, expected) =>
            property === 'tls_client_auth_san_dns' &&
            peerOf(ctx.socket)?.subjectaltname === `DNS:${expected}`,
        },
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        revocation: { enabled: true, allowedPolicy: async () => true },
        rpInitiatedLogout: { enabled: true },
        pushedAuthorizationRequests: { enabled: false },
        ...options.configuration?.features,
      },
    });
  /** RFC 6749 section 4.3, with an ID token that has a `sid`. */
  const withPasswordGrant = (made: Provider): Provider => {
    const answer = async (ctx: KoaContextWithOIDC): Promise<void> => {
      const { client, params } = ctx.oidc;
      const accountId = String(params?.username);
      if (client === undefined || params?.password !== passwordOf(accountId) || disabled.includes(accountId))
        throw new errors.InvalidGrant('wrong');
      const scope = String(params.scope ?? 'openid');
      const grant = new made.Grant({ clientId: client.clientId, accountId });
      grant.addOIDCScope(scope);
      const token = { accountId, client, grantId: await grant.save(), gty: 'password', scope };
      sid = randomUUID();
      const iat = Math.floor(Date.now() / 1000);
      ctx.body = {
        token_type: 'Bearer',
        access_token: await new made.AccessToken(token as never).save(), // typed for the grants of the library
        refresh_token: await new made.RefreshToken(token as never).save(), // the same
        id_token: await sign({
          iss: issuer,
          aud: client.clientId,
          sub: accountId,
          sid,
          iat,
          exp: iat + 86_400,
        }),
      };
    };
    made.registerGrantType('password', answer as never, ['username', 'password', 'scope']); // the same
    return made;
  };
  let provider = withPasswordGrant(createProvider());

  const interact = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const result =
      login === undefined
        ? { error: 'access_denied', error_description: 'the person refused' }
        : {
            login: {
              accountId: login.accountId,
              ...(login.acr === undefined ? {} : { acr: login.acr }),
              ...(login.amr === undefined ? {} : { amr: [...login.amr] }),
            },
          };
    await provider.interactionFinished(req, res, result, { mergeWithLastSubmission: false });
  };

  const sign = async (
    claims: Readonly<Record<string, unknown>>,
    header: Partial<JWTHeaderParameters> = {},
  ): Promise<string> =>
    new SignJWT(claims as JWTPayload) // wrong ones on purpose

      .setProtectedHeader({ alg: 'RS256', kid: key.kid, ...header })
      .sign(await importJWK(key, 'RS256'));

  const tampered = async (body: string): Promise<string> => {
    const answer = JSON.parse(body) as Record<string, unknown>;
    if (change === undefined || typeof answer.id_token !== 'string') return body;
    const changed = await change({
      claims: decodeJwt(answer.id_token),
      header: { alg: 'RS256', kid: key.kid },
    });
    const idToken = typeof changed === 'string' ? changed : await sign(changed.claims, changed.header);
    return JSON.stringify({ ...answer, id_token: idToken });
  };

  const listen = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const url = new URL(req.url ?? '/', issuer);
    if (url.pathname === '/auth') lastRequest = url.searchParams;
    if (url.pathname.startsWith('/interaction/')) return interact(req, res);
    if (url.pathname === '/token') rewriteBody(res, tampered);
    provider.callback()(req, res);
  };

  return {
    issuer,
    port: front.port,
    setFaults: front.setFaults,
    hits: front.hits,
    setLogin: (next) => {
      login = next;
    },
    setPerson: (accountId, claims) => void people.set(accountId, claims as never), // claims are free
    disable: (...accountIds) => {
      disabled = accountIds;
    },
    lastSid: () => sid,
    refreshTokensOf: (accountId) =>
      [...records].filter(
        ([key, payload]) =>
          key.startsWith('RefreshToken ') &&
          payload.accountId === accountId &&
          payload.consumed === undefined,
      ).length,
    endLatestGrant: () => {
      const latest = [...records.keys()].findLast((key) => key.startsWith('RefreshToken '));
      if (latest !== undefined) records.delete(latest);
    },
    tamper: (next) => {
      change = next;
    },
    rotate: async () => {
      key = await generateSigningJwk('RS256');
      provider = withPasswordGrant(createProvider());
      return key;
    },
    get key() {
      return key;
    },
    sign,
    lastRequest: () => lastRequest,
    close: async () => {
      await mtls?.close();
      await front.close();
    },
  };
};

const openMtlsServer = async (
  tls: NonNullable<UpstreamProviderOptions['mtls']>,
  listener: (req: IncomingMessage, res: ServerResponse) => Promise<void>,
) => {
  const server = createServer({ ...tls, requestCert: true, rejectUnauthorized: false }, (req, res) => {
    void listener(req, res);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

const peerOf = (socket: unknown) => {
  const certificate = socket instanceof TLSSocket ? socket.getPeerCertificate() : undefined;
  return certificate?.raw === undefined ? undefined : certificate;
};

/** Replaces what the server is about to send, if anybody still waits for it. */
const rewriteBody = (res: ServerResponse, rewrite: (body: string) => Promise<string>): void => {
  const end = res.end.bind(res);
  res.end = (chunk?: unknown): ServerResponse => {
    if (chunk === undefined) return end();
    void rewrite(String(chunk)).then((body) => {
      if (!res.headersSent) res.setHeader('content-length', Buffer.byteLength(body));
      end(body);
    });
    return res;
  };
};

/** What oidc-provider keeps, in a map, by model and id. */
const createMemoryAdapter =
  (records: Map<string, AdapterPayload>) =>
  (model: string): Adapter => {
    const key = (id: string): string => `${model} ${id}`;
    const findBy = async (name: 'uid' | 'userCode', value: string): Promise<AdapterPayload | undefined> =>
      [...records].find(([id, payload]) => id.startsWith(`${model} `) && payload[name] === value)?.[1];
    return {
      upsert: async (id, payload) => void records.set(key(id), payload),
      find: async (id) => records.get(key(id)),
      findByUid: (uid) => findBy('uid', uid),
      findByUserCode: (code) => findBy('userCode', code),
      consume: async (id) => {
        const payload = records.get(key(id));
        if (payload !== undefined) records.set(key(id), { ...payload, consumed: 1 });
      },
      destroy: async (id) => void records.delete(key(id)),
      revokeByGrantId: async (grantId) => {
        for (const [id, payload] of [...records]) if (payload.grantId === grantId) records.delete(id);
      },
    };
  };
