// Variables of other software whose configuration is moved to Drawbridge: nothing reads them, and each has a replacement.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tenantFileName, tenantIdsAmong } from '../tenant/tenant-file-names.ts';

const prefix = 'AUTH_';
const source = "of a source in the tenant's file (docs/federation.md)";

const replacements: readonly (readonly [RegExp, string])[] = [
  [/^AUTH_CLI_/, "a client with token_endpoint_auth_method: none in the tenant's file"],
  [/AUDIENCE$/, "the identifier of a resource in the tenant's file"],
  [/SIGNATURE_ALGORITHM$/, "signingAlgorithm of a resource in the tenant's file"],
  [/SCOPES?$/, `scopes ${source}`],
  [/CLIENT_ID$/, `clientId ${source}`],
  [/CLIENT_SECRET$/, `clientSecret ${source}; write env:NAME there to use this variable`],
  [/(?:AUTHORIZE|AUTHORIZATION)_(?:URL|URI|ENDPOINT)$/, `userAuthorizationUri ${source}`],
  [/TOKEN_(?:URL|URI|ENDPOINT)$/, `accessTokenUri ${source}`],
  [/USER_?INFO_(?:URL|URI|ENDPOINT)$/, `userInfoUri ${source}`],
  [/LOGOUT_(?:URL|URI)$/, `endSessionUri ${source}`],
  [/(?:ISSUER|ISS|BASE_?URL|PROVIDER(?:_\w+)?)$/, `issuer ${source}`],
  [/^AUTH_(?:SESSION_)?(?:SECRET|SECRET_KEY)$/, 'DRAWBRIDGE_SERVER__SECRET_KEY'],
  [/^AUTH_(?:PUBLIC_)?URL$/, 'DRAWBRIDGE_SERVER__PUBLIC_URL'],
  [/^AUTH_TRUST(?:ED)?_(?:HOSTS?|PROXY|PROXIES)$/, 'DRAWBRIDGE_SERVER__TRUSTED_PROXIES'],
];

export interface ForeignVariablesOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Variables that are settings. */
  readonly known: ReadonlySet<string>;
  /** Texts of all files that may refer to a variable; asked for only if there is such a variable. */
  readonly texts: () => readonly string[];
}

/** A warning for each `AUTH_*` variable that neither is a setting nor is referred to as `env:NAME`. */
export const warnOfForeignVariables = ({ env, known, texts }: ForeignVariablesOptions): readonly string[] => {
  const names = Object.keys(env).filter(
    (name) => name.startsWith(prefix) && env[name] !== '' && !known.has(name),
  );
  if (names.length === 0) return [];
  const read = new Set(texts().flatMap((text) => text.match(/\benv:\w+/g) ?? []));
  return names
    .filter((name) => !read.has(`env:${name}`))
    .sort()
    .map((name) => `${name} is not read by anything; ${replacementOf(name)}`);
};

const replacementOf = (name: string): string => {
  const [, replacement] = replacements.find(([pattern]) => pattern.test(name)) ?? [];
  return replacement === undefined
    ? `of the variables that begin with ${prefix}, Drawbridge reads AUTH_ENABLED alone`
    : `in its place there is ${replacement}`;
};

/** The tenants' files, as far as they can be read; what cannot is reported elsewhere. */
export const tenantTexts = (directory: string): readonly string[] => {
  const read = (path: string): string => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return '';
    }
  };
  try {
    return tenantIdsAmong(readdirSync(directory)).map((id) => read(join(directory, tenantFileName(id))));
  } catch {
    return [];
  }
};
