import { definedOnly } from '../../defined-only.ts';
import type { PathFault } from '../parsing/fault.ts';
import type { PresetSourceFile, UpstreamSourceFile } from './upstream-source-schema.ts';

type Preset = PresetSourceFile['preset'];
type OwnKey = 'tenantId' | 'baseUrl' | 'realm' | 'domain' | 'authorizationServer';

interface Provider {
  readonly type: UpstreamSourceFile['type'];
  readonly displayName: string;
  /** Keys without which the provider cannot be found. */
  readonly needs: readonly OwnKey[];
  readonly takes: readonly OwnKey[];
  readonly describe: (file: PresetSourceFile) => Partial<UpstreamSourceFile>;
}

const withoutSlash = (url: string | undefined): string => (url ?? '').replace(/\/+$/, '');

/** Settings known for each provider; those in the tenant's file take precedence. */
const providers: Readonly<Record<Preset, Provider>> = {
  google: {
    type: 'oidc',
    displayName: 'Google',
    needs: [],
    takes: [],
    describe: () => ({ issuer: 'https://accounts.google.com' }),
  },
  'microsoft-entra': {
    type: 'oidc',
    displayName: 'Microsoft',
    needs: [],
    takes: ['tenantId'],
    describe: ({ tenantId }) => ({
      issuer: `https://login.microsoftonline.com/${tenantId ?? '{tenantid}'}/v2.0`,
      // any administrator can write any address into Entra; the optional claim xms_edov says that its domain is
      // verified
      emailVerifiedPointer: '/xms_edov',
    }),
  },
  github: {
    type: 'oauth2',
    displayName: 'GitHub',
    needs: [],
    takes: [],
    describe: () => ({
      userAuthorizationUri: 'https://github.com/login/oauth/authorize',
      accessTokenUri: 'https://github.com/login/oauth/access_token',
      userInfoUri: 'https://api.github.com/user',
      // a login can be renamed, and another person may then take the old one
      subjectPointer: '/id',
      scopes: ['read:user', 'user:email'],
      clientAuthMethod: 'client_secret_post',
      extraInfo: { emails: 'https://api.github.com/user/emails' },
    }),
  },
  gitlab: {
    type: 'oidc',
    displayName: 'GitLab',
    needs: [],
    takes: ['baseUrl'],
    describe: ({ baseUrl }) => ({ issuer: withoutSlash(baseUrl ?? 'https://gitlab.com') }),
  },
  keycloak: {
    type: 'oidc',
    displayName: 'Keycloak',
    needs: ['baseUrl', 'realm'],
    takes: ['baseUrl', 'realm'],
    describe: ({ baseUrl, realm = '' }) => ({
      issuer: `${withoutSlash(baseUrl)}/realms/${encodeURIComponent(realm)}`,
    }),
  },
  auth0: {
    type: 'oidc',
    displayName: 'Auth0',
    needs: ['domain'],
    takes: ['domain'],
    // the slash at the end is part of the issuer
    describe: ({ domain = '' }) => ({ issuer: `https://${domain}/` }),
  },
  okta: {
    type: 'oidc',
    displayName: 'Okta',
    needs: ['domain'],
    takes: ['domain', 'authorizationServer'],
    describe: ({ domain = '', authorizationServer }) => ({
      issuer: `https://${domain}${authorizationServer === undefined ? '' : `/oauth2/${authorizationServer}`}`,
    }),
  },
};

const ownKeys: readonly OwnKey[] = ['tenantId', 'baseUrl', 'realm', 'domain', 'authorizationServer'];

/** Checks the keys that a preset needs. Paths begin at the source. */
export const checkPreset = (file: PresetSourceFile): readonly PathFault[] => {
  const { type, needs, takes } = providers[file.preset];
  const faults: PathFault[] = [
    ...needs
      .filter((key) => file[key] === undefined && file.issuer === undefined)
      .map((key) => ({ path: [key], message: `is missing; ${file.preset} cannot be found without it` })),
    ...ownKeys
      .filter((key) => file[key] !== undefined && !takes.includes(key))
      .map((key) => ({
        path: [key],
        atKey: true,
        message: `means nothing to ${file.preset}; remove it`,
      })),
  ];
  if (file.type !== undefined && file.type !== type)
    faults.push({ path: ['type'], message: `is not what ${file.preset} is; remove it` });
  return faults;
};

/** A source with the settings of its preset, as if the file contained them. */
export const expandPreset = (file: PresetSourceFile): UpstreamSourceFile => {
  const { preset, type: _, tenantId, baseUrl, realm, domain, authorizationServer, ...written } = file;
  const { type, displayName, describe } = providers[preset];
  const known = describe(file);
  return {
    ...written,
    ...known,
    ...definedOnly(written),
    // a known provider that takes passwords is none of six properties
    passwordSignIn: written.passwordSignIn ?? false,
    type,
    id: file.id ?? preset,
    displayName: file.displayName ?? displayName,
    extraInfo: { ...known.extraInfo, ...file.extraInfo },
  };
};
