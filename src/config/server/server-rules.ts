import { definedOnly } from '../../defined-only.ts';
import { isLoopbackHost } from '../../protocol/loopback.ts';
import type { GatewaySettings } from '../gateway/gateway-definition.ts';
import { loadServices, toGatewaySettings } from '../gateway/gateway-file.ts';
import { checkGateway } from '../gateway/gateway-rules.ts';
import type { FaultPath, PathFault } from '../parsing/fault.ts';
import { resolveSecret, type SecretSources } from '../parsing/secrets.ts';
import { checkClientCertificates, toClientCertificateSettings } from './client-certificate-settings.ts';
import { type MailSettings, readMailSettings } from './mail-settings.ts';
import { type OutgoingProxy, readOutgoingProxy } from './outgoing-proxy.ts';
import type { ServerFile } from './server-schema.ts';
import type { ClientCertificateSettings, TlsSettings } from './server-settings.ts';
import type { GivenValue } from './setting-layers.ts';
import { variableOf } from './settings-table.ts';

interface Context {
  readonly given: ReadonlyMap<string, GivenValue>;
  readonly sources: SecretSources;
}

export interface SettingFault {
  /** `server.publicUrl` */
  readonly name: string;
  /** Below it, where the setting is a list. */
  readonly path?: FaultPath;
  readonly atKey?: boolean;
  readonly message: string;
}

/** With references resolved. */
export type ResolvedServerFile = Omit<
  ServerFile,
  'clientCertificates' | 'gateway' | 'mail' | 'server' | 'tls'
> & {
  readonly tls?: TlsSettings;
  readonly clientCertificates?: ClientCertificateSettings;
  readonly server: Omit<ServerFile['server'], 'outgoingProxy' | 'outgoingProxyExcept'> & {
    readonly outgoingProxy?: OutgoingProxy;
  };
  readonly mail?: MailSettings;
  readonly gateway: GatewaySettings;
};

export type CheckedServerFile =
  | { readonly ok: true; readonly value: ResolvedServerFile }
  | { readonly ok: false; readonly faults: readonly SettingFault[] };

const shortestKey = 32;
/** Settings that may be given by the environment, or in the file by a reference only. */
const secretNames: ReadonlySet<string> = new Set([
  'server.secretKey',
  'gateway.proxySecret',
  'mail.password',
]);

export const publicUrlOf = ({ publicUrl, port }: Pick<ServerFile['server'], 'publicUrl' | 'port'>): string =>
  publicUrl ?? `http://localhost:${port}`;

/** Rules about more than one setting; resolves references to secrets. */
export const checkServerFile = (file: ServerFile, context: Context): CheckedServerFile => {
  const key = resolveSetting('server.secretKey', file.server.secretKey, context);
  const url = resolveSetting('storage.url', file.storage.url, context);
  const proxyUrl = resolveSetting('server.outgoingProxy', file.server.outgoingProxy, context);
  const outgoing = readOutgoingProxy(
    { proxy: proxyUrl.value, except: file.server.outgoingProxyExcept },
    context.sources.env,
  );
  const proxySecret = resolveSetting('gateway.proxySecret', file.gateway.proxySecret, context);
  const mailUser = resolveSetting('mail.user', file.mail.user, context);
  const mailPassword = resolveSetting('mail.password', file.mail.password, context);
  const mail = readMailSettings(
    file.mail,
    { user: mailUser.value, password: mailPassword.value },
    context.sources,
  );
  const face = { publicUrl: publicUrlOf(file.server), host: file.server.host, port: file.server.port };
  const loaded = loadServices(file.gateway.services, { ...face, sources: context.sources });
  const faults = [
    ...key.faults,
    ...url.faults,
    ...proxyUrl.faults,
    ...(outgoing.ok ? [] : [{ name: 'server.outgoingProxy', message: outgoing.message }]),
    ...checkPublicUrl(file.server),
    ...checkTls(file),
    ...checkClientCertificates(file),
    ...checkKey(key.value),
    ...checkStorage(url.value, file.server.secretKey !== undefined),
    ...proxySecret.faults,
    ...checkProxySecret(proxySecret.value),
    ...mailUser.faults,
    ...mailPassword.faults,
    ...mail.faults,
    ...checkAdministration(file.administration),
    ...[
      ...checkGateway(file.gateway, face),
      ...loaded.faults.map((fault) => ({ ...fault, path: ['services', ...fault.path] })),
    ].map(toSettingFault),
  ];
  if (faults.length > 0) return { ok: false, faults };
  const { secretKey: _key, outgoingProxy: _proxy, outgoingProxyExcept: _except, ...server } = file.server;
  const outgoingProxy = outgoing.ok ? outgoing.value : undefined;
  const { mail: _mail, tls, clientCertificates, ...rest } = file;
  return {
    ok: true,
    value: {
      ...rest,
      ...definedOnly({
        mail: mail.settings,
        tls: toTlsSettings(tls),
        clientCertificates: toClientCertificateSettings(clientCertificates),
      }),
      server: { ...server, ...definedOnly({ secretKey: key.value, outgoingProxy }) },
      storage: { url: url.value ?? file.storage.url },
      gateway: toGatewaySettings({ ...file.gateway, proxySecret: proxySecret.value }, loaded.services),
    },
  };
};

/** The first step is the setting's own name. */
const toSettingFault = ({ path: [key = '', ...path], ...fault }: PathFault): SettingFault => ({
  ...fault,
  name: `gateway.${key}`,
  path,
});

interface ResolvedSetting {
  readonly value?: string;
  readonly faults: readonly SettingFault[];
}

const resolveSetting = (
  name: string,
  text: string | undefined,
  { given, sources }: Context,
): ResolvedSetting => {
  if (text === undefined) return { faults: [] };
  const isKey = secretNames.has(name);
  const layer = given.get(name)?.layer;
  if (!isKey && text.startsWith('file:')) return { value: text, faults: [] };
  const resolved = resolveSecret(text, sources);
  if (!resolved.ok) return { faults: [{ name, message: resolved.message }] };
  const isExposed = resolved.inline && layer !== 'environment' && (isKey || hasCredentials(resolved.value));
  if (isExposed && layer === 'command line')
    return refuse(name, 'is a secret, and a command line can be read by others; set it in the environment');
  if (isExposed)
    return refuse(
      name,
      isKey
        ? 'is a secret; write a reference to it, env:NAME or file:/path'
        : `holds a password; write env:NAME here, or set ${variableOf(name)} or ${variableOf(name)}_FILE`,
    );
  return { value: resolved.value, faults: [] };
};

const refuse = (name: string, message: string): ResolvedSetting => ({ faults: [{ name, message }] });

const hasCredentials = (url: string): boolean => /^[a-z+]+:\/\/[^/?]*:[^/?]*@/i.test(url);

const checkPublicUrl = ({
  publicUrl,
  port,
  tlsTerminatedByProxy,
}: ServerFile['server']): readonly SettingFault[] => {
  const name = 'server.publicUrl';
  if (publicUrl === undefined)
    return port === 0 ? [{ name, message: 'is needed when the port is 0; write it as browsers see it' }] : [];
  const { protocol, hostname, host } = new URL(publicUrl);
  if (protocol === 'https:' || isLoopbackHost(hostname) || tlsTerminatedByProxy) return [];
  return [
    {
      name,
      message: `is http and not a loopback address, so passwords would cross the network in the clear; write https://${host}, which is right too when a proxy in front does TLS, or http://localhost:${port} to try things out. If browsers really see http in a closed network, set tlsTerminatedByProxy: true`,
    },
  ];
};

const checkTls = ({ tls, server }: ServerFile): readonly SettingFault[] => {
  const { cert, key } = tls;
  if (cert === undefined && key === undefined) return [];
  if (cert === undefined)
    return [{ name: 'tls.cert', message: 'is missing; write the certificate of tls.key, file:/path' }];
  if (key === undefined)
    return [{ name: 'tls.key', message: 'is missing; write the key of tls.cert, file:/path' }];
  return server.publicUrl?.startsWith('https:') === true
    ? []
    : [
        {
          name: 'server.publicUrl',
          message: `is not https, but this server speaks TLS itself (tls.cert); write https:// and a host that the certificate is for`,
        },
      ];
};

const toTlsSettings = ({ cert, key }: ServerFile['tls']): TlsSettings | undefined =>
  cert === undefined || key === undefined
    ? undefined
    : { certFile: cert.slice('file:'.length), keyFile: key.slice('file:'.length) };

const checkKey = (key: string | undefined): readonly SettingFault[] =>
  key === undefined || Buffer.byteLength(key) >= shortestKey
    ? []
    : [
        {
          name: 'server.secretKey',
          message: `is shorter than ${shortestKey} bytes; make one with: openssl rand -base64 32`,
        },
      ];

const checkProxySecret = (secret: string | undefined): readonly SettingFault[] =>
  secret === undefined || /^[\x21-\x7E]{32,4096}$/.test(secret)
    ? []
    : [
        {
          name: 'gateway.proxySecret',
          message:
            'is shorter than 32 characters, or holds some that a header cannot have; make one with: openssl rand -base64 32',
        },
      ];

const grants = ['operators', 'operatorRoles', 'operatorGroups'] as const;

const checkAdministration = (administration: ServerFile['administration']): readonly SettingFault[] => {
  const given = grants.filter((name) => administration[name].length > 0);
  if (administration.tenant !== undefined)
    return given.length > 0
      ? []
      : [
          {
            name: 'administration.tenant',
            message:
              'is of no use while nobody is an operator; write operators, operatorRoles or operatorGroups',
          },
        ];
  return given.map((name) => ({
    name: `administration.${name}`,
    message: 'is of no use without administration.tenant; write the tenant at which operators sign in',
  }));
};

const checkStorage = (url: string | undefined, hasKey: boolean): readonly SettingFault[] => {
  if (url === undefined) return [];
  if (!/^(?:file:.|mongodb(?:\+srv)?:\/\/.)/.test(url))
    return [
      {
        name: 'storage.url',
        message: `refers to something that is not a store; it must hold file:<folder> or mongodb://<host>/<database>`,
      },
    ];
  if (url.startsWith('file:') || hasKey) return [];
  return [
    {
      name: 'server.secretKey',
      message:
        'is missing and MongoDB needs it, the same on all instances; make one with: openssl rand -base64 32, and set DRAWBRIDGE_SERVER__SECRET_KEY, DRAWBRIDGE_SERVER__SECRET_KEY_FILE or secretKey: file:/path',
    },
  ];
};
