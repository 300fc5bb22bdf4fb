import { readFileSync } from 'node:fs';
import { definedOnly } from '../../defined-only.ts';
import { checkTenantId } from '../../protocol/tenant-id.ts';
import type { TenantGateway } from '../gateway/gateway-definition.ts';
import { loadTenantGateway } from '../gateway/tenant-gateway-file.ts';
import { deepFreeze } from '../parsing/deep-freeze.ts';
import { byPosition, type Fault, type PathFault } from '../parsing/fault.ts';
import { parseYamlBySchema } from '../parsing/schema-faults.ts';
import { hashWithSecrets, resolveSecret, type SecretSources } from '../parsing/secrets.ts';
import { parseYaml } from '../parsing/yaml-source.ts';
import type { SourceDefinition } from '../source/source-definition.ts';
import { loadSources } from '../source/source-file.ts';
import { writtenSources } from '../source/written-sources.ts';
import { toApiKeyRules } from './api-keys-file.ts';
import { loadAudit } from './audit-file.ts';
import { loadCertificates } from './certificates-file.ts';
import { toClient } from './client-definition.ts';
import { resolveClientSecret } from './client-rules.ts';
import type { ClientFile } from './client-schema.ts';
import { loadLogo, logoFilesIn } from './logo.ts';
import { namesInFile } from './names-in-file.ts';
import { type JudgedContent, partialContent, wholeContent } from './partial-content.ts';
import { loadRegistration } from './registration-file.ts';
import type { ResourceFile } from './resource-schema.ts';
import type {
  AccountRules,
  Allowance,
  AuditRules,
  Branding,
  CertificateRules,
  RegistrationRules,
  ResourceDefinition,
  SecondFactorRules,
  TenantDefinition,
  UserSeed,
} from './tenant-definition.ts';
import { checkTenant } from './tenant-rules.ts';
import { type TenantFileContent, tenantSchema, type UserFile } from './tenant-schema.ts';

export interface TenantFileOptions {
  /** The file's name without `.yaml`. */
  readonly id: string;
  readonly text: string;
  /** Path of the file; faults show it as it is given here. */
  readonly path: string;
  readonly env: SecretSources['env'];
  /** For secrets and the logo; by default the file system. */
  readonly readFile?: SecretSources['readFile'];
}

export type LoadedTenant =
  | { readonly definition: TenantDefinition }
  /** In the order of the file. */
  | { readonly faults: readonly Fault[] };

/** Parses a tenant's file into its definition, or reports all its faults. Reads only the files it refers to. */
export const loadTenant = (options: TenantFileOptions): LoadedTenant => {
  const { id, path } = options;
  const idProblem = checkTenantId(id);
  const idFaults: readonly Fault[] =
    idProblem === undefined ? [] : [{ file: path, path: '', message: idProblem }];
  const yaml = parseYaml(options.text, path);
  if ('faults' in yaml) return { faults: [...idFaults, ...yaml.faults] };

  const { value } = yaml;
  if (isEmpty(value)) return { faults: [...idFaults, { file: path, path: '', message: emptyFile }] };
  const parsed = parseYamlBySchema(tenantSchema, yaml);
  const judged = parsed.ok ? wholeContent(parsed.value) : partialContent(value, parsed.faults);
  const filled = judged === undefined ? undefined : fillIn(judged, options);
  const faults = [
    ...(parsed.ok ? [] : parsed.faults),
    ...(judged === undefined ? [] : checkTenant(judged, namesInFile(value, judged.doubtful))),
    ...(filled?.faults ?? []),
  ];
  if (filled === undefined || faults.length > 0 || idFaults.length > 0)
    return { faults: [...idFaults, ...faults.map(yaml.toFault).sort(byPosition)] };
  return { definition: deepFreeze(toDefinition(filled, options)) };
};

const emptyFile = 'the file is empty; write at least displayName: and the name shown to people';

/** A file without any value is refused: it may be half written, or all commented out. */
const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  (typeof value === 'object' && !Array.isArray(value) && Object.keys(value).length === 0);

/**
 * Changes whenever the file, a secret or a logo that it refers to changes. Reads and hashes these files, but parses
 * none.
 * @returns SHA-256, hexadecimal
 */
export const hashTenant = (options: Omit<TenantFileOptions, 'id'>): string =>
  hashWithSecrets(options.text, sourcesOf(options), logoFilesIn(options.text, options.path));

const sourcesOf = ({ env, readFile }: Pick<TenantFileOptions, 'env' | 'readFile'>): SecretSources => ({
  env,
  readFile: readFile ?? ((path) => readFileSync(path)),
});

interface Filled {
  readonly content: TenantFileContent;
  readonly secrets: ReadonlyMap<ClientFile, readonly string[]>;
  readonly passwords: ReadonlyMap<UserFile, string>;
  readonly sources: readonly SourceDefinition[];
  readonly gateway: TenantGateway;
  readonly registration?: RegistrationRules;
  readonly certificates?: CertificateRules;
  readonly audit: AuditRules;
  readonly logo?: string;
  readonly faults: readonly PathFault[];
}

/** Replaces references by the secrets that they refer to. */
const fillIn = ({ content, fileIndexes, doubtful }: JudgedContent, options: TenantFileOptions): Filled => {
  const sources = sourcesOf(options);
  const faults: PathFault[] = [];
  const secrets = new Map<ClientFile, readonly string[]>();
  const passwords = new Map<UserFile, string>();
  for (const [index, client] of content.clients.entries()) {
    const path = ['clients', fileIndexes.clients[index] ?? index, 'client_secret'];
    const written = client.client_secret;
    const resolved = [written ?? []].flat().map((text, place) => {
      const secret = resolveClientSecret(text, content.demo, sources);
      if (secret.ok) return secret.value;
      faults.push({ path: Array.isArray(written) ? [...path, place] : path, message: secret.message });
      return '';
    });
    secrets.set(client, resolved);
  }
  for (const [index, user] of content.users.entries()) {
    const password = resolveSecret(user.password, sources);
    if (password.ok) passwords.set(user, password.value);
    else
      faults.push({
        path: ['users', fileIndexes.users[index] ?? index, 'password'],
        message: password.message,
      });
  }
  const context = { demo: content.demo, sources };
  const loaded = loadSources(writtenSources(content, fileIndexes.sources), {
    ...context,
    tenantPath: options.path,
  });
  const { gateway, faults: gatewayFaults } = loadTenantGateway(content.gateway, context);
  const tenantSources = doubtful.has('sources') || loaded.faults.length > 0 ? undefined : loaded.sources;
  const { registration, faults: registrationFaults } = loadRegistration(content.registration, {
    ...context,
    tenantSources,
  });
  const { certificates, faults: certificateFaults } = loadCertificates(content.certificates, sources);
  const { audit, faults: auditFaults } = loadAudit(content.audit, context);
  faults.push(
    ...loaded.faults,
    ...gatewayFaults,
    ...registrationFaults,
    ...certificateFaults,
    ...auditFaults,
  );
  const people = { sources: loaded.sources, ...definedOnly({ registration }) };
  const filled = {
    content,
    secrets,
    passwords,
    ...people,
    gateway,
    audit,
    ...definedOnly({ certificates }),
    faults,
  };
  if (content.branding.logo === undefined) return filled;
  const logo = loadLogo(content.branding.logo, options.path, sources.readFile);
  if (logo.ok) return { ...filled, logo: logo.value };
  faults.push({ path: ['branding', 'logo'], message: logo.message });
  return filled;
};

const toDefinition = (filled: Filled, options: TenantFileOptions): TenantDefinition => {
  const { content, secrets, passwords, sources, registration, certificates, gateway, audit, logo } = filled;
  const { lifetimes, authentication, throttle, publicUrl, defaultResource } = content;
  return {
    id: options.id,
    version: hashTenant(options),
    displayName: content.displayName ?? options.id,
    demo: content.demo,
    listed: content.listed,
    ...definedOnly({ publicUrl }),
    branding: toBranding(content.branding, logo),
    locale: content.locale,
    ...(content.recovery.password === 'mail' ? { recovery: { password: 'mail' } } : {}),
    ...definedOnly({ registration }),
    accounts: toAccountRules(content.accounts),
    administration: content.administration,
    apiKeys: toApiKeyRules(content.apiKeys),
    audit,
    ...definedOnly({ breachedPasswords: content.passwords.breached }),
    ...(Object.keys(content.mail).length === 0 ? {} : { mail: definedOnly(content.mail) }),
    lifetimes: { ...lifetimes, deviceCode: authentication.oauth2.deviceCodeExpiration },
    grants: content.grants,
    pkceExemptions: content.pkceExemptions,
    resources: content.resources.map(toResource),
    ...definedOnly({ defaultResource }),
    clients: content.clients.map((client) =>
      toClient(client, { locale: content.locale, secrets: secrets.get(client) }),
    ),
    users: content.users.map(
      (user): UserSeed => ({
        ...definedOnly(user),
        password: passwords.get(user) ?? user.password,
      }),
    ),
    throttle: {
      account: toAllowance(throttle.account),
      address: toAllowance(throttle.address),
      startAddress: toAllowance(throttle.startAddress),
      userCodeSession: toAllowance(throttle.userCodeSession),
      userCodeAddress: toAllowance(throttle.userCodeAddress),
      userCodeTenant: toAllowance(throttle.userCodeTenant),
    },
    sources,
    secondFactor: toSecondFactor(content.secondFactor),
    ...definedOnly({ certificates }),
    gateway,
  };
};

const toAccountRules = ({
  deletion: { allowed, grace },
  ...rules
}: TenantFileContent['accounts']): AccountRules => ({
  ...rules,
  deletion: { allowed, graceSeconds: grace },
});

const toSecondFactor = ({
  deadline,
  rememberBrowser,
  ...rules
}: TenantFileContent['secondFactor']): SecondFactorRules => ({
  ...rules,
  ...definedOnly({ deadline, rememberBrowser }),
});

const toBranding = (
  { color, links, support, footer }: TenantFileContent['branding'],
  logo: string | undefined,
): Branding => ({
  color,
  ...definedOnly({ logo, support }),
  ...(links === undefined ? {} : { links: definedOnly(links) }),
  ...(footer ? {} : { footer }),
});

const toResource = ({ groups, ...rest }: ResourceFile): ResourceDefinition => ({
  ...definedOnly(rest),
  ...(groups === 'all' ? {} : { groups }),
});

const toAllowance = ({ attempts, window }: { attempts: number; window: number }): Allowance => ({
  points: attempts,
  windowSeconds: window,
});
