import { z } from 'zod';
import { clientAuthMethods } from '../../protocol/client-auth-methods.ts';
import { grantTypes } from '../../protocol/grant-types.ts';
import { isScopeName } from '../../protocol/scopes.ts';
import { signingAlgorithms } from '../../protocol/signature-algorithms.ts';
import {
  dateMs,
  durationSeconds,
  isOrigin,
  originWords,
  parseUrl,
  plainText,
  wholeNumber,
} from '../parsing/field-types.ts';
import { webAddress } from '../source/source-field-types.ts';
import { certificateName } from './certificates-schema.ts';
import { groupChoice } from './group-choice.ts';
import { localText } from './local-text.ts';
import { checkSpelling } from './redirect-uri.ts';
import { lifetimeRanges } from './tenant-lifetimes.ts';

/** Printable, and not the name of a member of every JavaScript object: safe as a key, in a path and in a log. */
const clientId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, {
    error:
      'is not a client id; write letters, digits, dots, hyphens or underscores, at most 100, a letter or digit first',
    abort: true,
  })
  .refine((id) => !(id in Object.prototype) && id !== 'prototype', {
    error: "is a word of JavaScript's objects; choose another name",
  })
  .refine((id) => !id.toLowerCase().startsWith('drawbridge'), {
    error: 'begins with drawbridge, which is kept for built-in clients; choose another name',
  });

const httpsUrl = z
  .string()
  .max(2000)
  .refine((value) => parseUrl(value)?.protocol === 'https:', {
    error: 'is not an https URL; write https://…',
  });

const redirectUris = z.array(
  z.string().superRefine((uri, context) => {
    const message = checkSpelling(uri);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  }),
);

const allowedOrigin = z
  .string()
  .refine(isOrigin, { error: originWords })
  .refine((value) => !value.startsWith('http:') || isLocal(value), {
    error: 'is http and not loopback; write https://…',
  });

const isLocal = (origin: string): boolean =>
  ['localhost', '127.0.0.1', '[::1]'].includes(parseUrl(origin)?.hostname ?? '');

const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];
const jwk = z
  .record(z.string(), z.unknown())
  .refine((key) => typeof key.kty === 'string' && key.kty !== 'oct', {
    error: 'is not a public key; write a JWK with kty RSA, EC or OKP',
  })
  .refine((key) => !privateMembers.some((member) => member in key), {
    error: 'holds the private part of a key, which only the client may have; write the public members alone',
  });

const {
  authorizationCode,
  accessToken,
  idToken,
  refreshToken,
  refreshTokenAbsolute,
  refreshTokenGrace,
  codeGrace,
  deviceCode,
  directLogin,
} = lifetimeRanges;

/** One entry of `clients`: client metadata by its RFC 7591 names, and Drawbridge's own members in camelCase. */
export const clientSchema = z.strictObject({
  client_id: clientId.meta({ description: 'Id of the client; unique within the tenant.' }),
  client_name: localText(() => plainText(200))
    .optional()
    .meta({ description: 'Name of the client on the pages: a text, or one for each language.' }),
  client_secret: z
    .union([z.string(), z.array(z.string()).min(1).max(2)], {
      error: 'is not a secret; write a reference, env:NAME or file:/path, or a list of two of them',
    })
    .optional()
    .meta({
      description:
        'Client secret as a reference, env:NAME or file:/path; at least 32 characters. In demo tenants also as text (at least 16 characters). A list of two: both are valid, while the client changes from one to the other.',
      examples: [
        'env:ACME_WEB_SECRET',
        'file:/run/secrets/acme-web',
        ['env:ACME_WEB_SECRET', 'env:ACME_WEB_SECRET_NEXT'],
      ],
    }),
  application_type: z.enum(['web', 'native']).default('web').meta({
    description:
      'native: an app on a device. Its redirect URIs may have a private-use scheme, or any port on a loopback address.',
  }),
  token_endpoint_auth_method: z.enum(clientAuthMethods).default('client_secret_basic').meta({
    description:
      'Client authentication at the token endpoint. tls_client_auth: a certificate of certificates.ca. self_signed_tls_client_auth: a certificate in jwks (x5c). none: a public client.',
  }),
  tls_client_auth_subject_dn: certificateName('subject_dn').meta({
    description:
      'With tls_client_auth: the subject of the certificate (RFC 4514), as openssl x509 -noout -subject -nameopt RFC2253 writes it.',
    examples: ['CN=reports,O=Acme'],
  }),
  tls_client_auth_san_dns: certificateName('san_dns').meta({
    description: 'With tls_client_auth: a DNS name in the certificate (subjectAltName).',
  }),
  tls_client_auth_san_uri: certificateName('san_uri').meta({
    description: 'With tls_client_auth: a URI in the certificate (subjectAltName), such as a SPIFFE ID.',
  }),
  tls_client_auth_san_ip: certificateName('san_ip').meta({
    description: 'With tls_client_auth: an IP address in the certificate (subjectAltName).',
  }),
  tls_client_auth_san_email: certificateName('san_email').meta({
    description: 'With tls_client_auth: an e-mail address in the certificate (subjectAltName).',
  }),
  tls_client_certificate_bound_access_tokens: z.boolean().optional().meta({
    description:
      'true: access tokens are valid only together with the certificate that the client used at the token endpoint (RFC 8705 section 3).',
  }),
  token_endpoint_auth_signing_alg: z
    .enum(signingAlgorithms)
    .optional()
    .meta({ description: 'With private_key_jwt: the only accepted algorithm of client assertions.' }),
  grant_types: z
    .array(z.enum(grantTypes))
    .default(['authorization_code'])
    .meta({ description: 'Grant types that the client may use.' }),
  response_types: z
    .array(z.enum(['code']))
    .optional()
    .meta({
      description: 'Follows from grant_types; leave it out.',
    }),
  redirect_uris: redirectUris.default([]).meta({
    description: 'Redirect URIs, compared exactly. Native clients may use any port on a loopback address.',
  }),
  post_logout_redirect_uris: redirectUris
    .default([])
    .meta({ description: 'Addresses to which the browser may return after a sign-out.' }),
  scope: z
    .string()
    .refine((value) => value.split(' ').every(isScopeName), {
      error: 'is not a list of scopes; write names with one space between, such as openid profile',
    })
    .optional()
    .meta({
      description:
        'Scopes that the client may request, separated by spaces. Default: every scope of the tenant.',
    }),
  id_token_signed_response_alg: z
    .enum(signingAlgorithms)
    .default('RS256')
    .meta({ description: 'Signature algorithm of the ID tokens.' }),
  jwks: z
    .strictObject({ keys: z.array(jwk).min(1).max(20) })
    .optional()
    .meta({ description: 'Public keys of the client, for private_key_jwt.' }),
  jwks_uri: httpsUrl
    .optional()
    .meta({ description: 'URL of the public keys of the client, for private_key_jwt.' }),
  client_uri: httpsUrl
    .optional()
    .meta({ description: 'Home page of the client; a link on the consent page.' }),
  logo_uri: httpsUrl.optional().meta({ description: 'Logo of the client on the consent page.' }),
  policy_uri: httpsUrl
    .optional()
    .meta({ description: 'Privacy policy of the client; a link on the consent page.' }),
  tos_uri: httpsUrl
    .optional()
    .meta({ description: 'Terms of service of the client; a link on the consent page.' }),
  initiate_login_uri: httpsUrl
    .optional()
    .meta({ description: 'Address of the client at which a sign-in starts.' }),
  backchannel_logout_uri: webAddress().optional().meta({
    description: 'Address of the client for logout tokens (OpenID Connect Back-Channel Logout 1.0).',
  }),
  backchannel_logout_session_required: z
    .boolean()
    .optional()
    .meta({ description: 'true: one logout token per session, with the claim sid.' }),
  contacts: z
    .array(z.string().regex(/^[^\s@]+@[^\s@]+$/, { error: 'is not an e-mail address' }))
    .optional()
    .meta({ description: 'E-mail addresses of the operators of the client.' }),
  default_max_age: wholeNumber({ min: 0, max: 31_536_000 })
    .optional()
    .meta({ description: 'Maximum age of a sign-in for this client, in seconds.' }),
  require_auth_time: z.boolean().optional().meta({ description: 'true: ID tokens contain auth_time.' }),
  require_pushed_authorization_requests: z
    .boolean()
    .optional()
    .meta({ description: 'true: only pushed authorization requests are accepted (RFC 9126).' }),
  dpop_bound_access_tokens: z
    .boolean()
    .optional()
    .meta({ description: 'true: the client gets DPoP-bound tokens only (RFC 9449).' }),
  firstParty: z
    .boolean()
    .default(false)
    .meta({ description: 'true: a client of the tenant itself, without a consent page.' }),
  directLogin: z.boolean().default(false).meta({
    description:
      "true: users sign in on the client's own page, which sends name, password and second factor to Drawbridge. Only with firstParty: true.",
  }),
  emailCode: z.boolean().default(false).meta({
    description:
      'true: local users with a verified e-mail address may sign in by a code that is sent there, in place of the password. Only with directLogin: true.',
  }),
  idTokenClaims: z.enum(['standard', 'all']).default('standard').meta({
    description:
      'standard: the claims of the scopes profile and email are in userinfo only (OpenID Connect Core section 5.4). all: also in ID tokens.',
  }),
  idTokenGroups: groupChoice('Groups in ID tokens; userinfo has all of them.'),
  assertionAudience: z.enum(['issuer', 'token_endpoint']).optional().meta({
    description:
      'With private_key_jwt: the accepted aud of client assertions. issuer: only the issuer. token_endpoint: also the URL of the token endpoint, for libraries that send no other.',
  }),
  allowedOrigins: z.array(allowedOrigin).default([]).meta({
    description: 'Exact origins of web pages that may use the token and userinfo endpoints (CORS).',
  }),
  defaultResource: z
    .string()
    .optional()
    .meta({ description: 'Resource of a request that names none. Default: the one of the tenant.' }),
  lifetimes: z
    .strictObject({
      accessToken: durationSeconds(accessToken).optional(),
      idToken: durationSeconds(idToken).optional(),
      refreshToken: durationSeconds(refreshToken).optional(),
      refreshTokenAbsolute: durationSeconds(refreshTokenAbsolute).optional(),
      refreshTokenGrace: durationSeconds(refreshTokenGrace).optional(),
      codeGrace: durationSeconds(codeGrace).optional(),
      authorizationCode: durationSeconds(authorizationCode).optional(),
      deviceCode: durationSeconds(deviceCode).optional(),
      directLogin: durationSeconds(directLogin).optional(),
    })
    .prefault({})
    .meta({ description: 'Lifetimes for this client, instead of those of the tenant.' }),
  passwordGrant: z
    .strictObject({
      sunset: dateMs()
        .optional()
        .meta({
          description:
            'ISO date (UTC) from which the password grant is refused. Until then responses have the headers Deprecation and Sunset.',
          examples: ['2027-06-30'],
        }),
    })
    .prefault({})
    .meta({ description: 'End date of the password grant, which RFC 9700 advises against.' }),
});

export type ClientFile = z.infer<typeof clientSchema>;
