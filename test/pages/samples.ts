import type { Branding } from '../../src/config/tenant/tenant-definition.ts';
import type { Look, PageModels, PageName } from '../../src/web/pages.ts';

/** What a test's clock shows when the samples are "two minutes ago". */
export const sampleNow = Date.UTC(2026, 2, 14, 9, 30);

export interface Sample {
  readonly id: string;
  readonly render: <T>(see: <N extends PageName>(name: N, model: PageModels[N]) => T) => T;
  /** Belongs to the server, not to a tenant. */
  readonly ofServer?: boolean;
  /** Instead of Acme. */
  readonly tenant?: NonNullable<Look['tenant']>;
}

const sample = <N extends PageName>(id: string, name: N, model: PageModels[N], ofServer = false): Sample => ({
  id,
  ofServer,
  render: (see) => see(name, model),
});

const csrf = 'kTq0-sample-token';

const login: PageModels['login'] = {
  step: 'password',
  upstreams: [],
  action: '/oauth/acme/interaction/aB3dE/login',
  cancelAction: '/oauth/acme/interaction/aB3dE/abort',
  csrf,
  login: '',
  clientName: 'Acme Notes',
  switchTenantUrl: '/?tenant=',
};

const upstreams = [
  { displayName: 'Globex Account', action: '/oauth/acme/interaction/aB3dE/upstream/globex' },
  { displayName: 'Google', action: '/oauth/acme/interaction/aB3dE/upstream/google', preset: 'google' },
  { displayName: 'GitHub', action: '/oauth/acme/interaction/aB3dE/upstream/github', preset: 'github' },
  { displayName: 'Partner login', action: '/oauth/acme/interaction/aB3dE/upstream/partner' },
];

const changePassword: PageModels['change-password'] = {
  action: '/oauth/acme/account/password',
  csrf,
  login: 'alice',
  cancelUrl: '/oauth/acme/account',
};

const secondFactor: PageModels['second-factor'] = {
  action: '/oauth/acme/interaction/aB3dE/factor',
  csrf,
  username: 'alice',
  otherUrl: '/oauth/acme/interaction/aB3dE?choose=yes',
  isCodeAsked: true,
};

const emailCode: PageModels['email-code'] = {
  action: '/oauth/acme/interaction/aB3dE/factor/email',
  mailAction: '/oauth/acme/interaction/aB3dE/factor/mail',
  csrf,
  username: 'alice',
  address: 'a…@acme.example',
  isMailed: true,
  otherUrl: '/oauth/acme/interaction/aB3dE?choose=yes',
};

const passkey = {
  action: '/oauth/acme/interaction/aB3dE/passkey',
  options: JSON.stringify({ challenge: 'Y2hhbGxlbmdl', rpId: 'localhost', userVerification: 'required' }),
};

const setUpPasskey: PageModels['set-up-passkey'] = {
  csrf,
  passkey,
  isDemanded: false,
  cancelUrl: '/oauth/acme/account/factors',
};

const setUpTotp: PageModels['set-up-totp'] = {
  action: '/oauth/acme/interaction/aB3dE/factor/set-up',
  csrf,
  secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
  picture:
    'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCAyIDIiPjxwYXRoIGQ9Ik0wIDBoMXYxSDB6TTEgMWgxdjFIMXoiLz48L3N2Zz4=',
  sealed: 'v1.c2VhbGVk',
  isDemanded: true,
  cancelUrl: '/oauth/acme/interaction/aB3dE?choose=yes',
};

const connectSource: PageModels['connect-source'] = {
  action: '/oauth/acme/account/sources/staff/connect',
  csrf,
  sourceName: 'Staff directory',
  login: 'alice',
  cancelUrl: '/oauth/acme/account',
};

const redirectHint: NonNullable<PageModels['error']['hint']> = {
  clientId: 'notes',
  came: 'http://localhost:5174/callback',
  registered: ['http://localhost:5173/callback', 'https://notes.acme.example/callback'],
  difference: 'differs from http://localhost:5173/callback in the port only',
  file: 'acme.yaml',
  lines:
    'clients:\n  - client_id: notes\n    redirect_uris:\n      - "http://localhost:5173/callback"\n      - "https://notes.acme.example/callback"\n      - "http://localhost:5174/callback"',
};

const account: PageModels['account'] = {
  name: 'Alice Example',
  username: 'alice',
  email: 'alice@acme.example',
  signOutUrl: '/oauth/acme/session/end',
  signedInAt: sampleNow - 3_600_000,
  csrf,
  sources: [],
  accountUrl: '/oauth/acme/account',
  exportAction: '/oauth/acme/account/export',
  pictureAction: '/oauth/acme/account/picture',
  profileUrl: '/oauth/acme/account/profile',
  usernameUrl: '/oauth/acme/account/username',
  emailUrl: '/oauth/acme/account/email',
};

const accountLanguage: PageModels['account-profile'] = {
  action: '/oauth/acme/account/profile',
  csrf,
  accountUrl: '/oauth/acme/account',
  language: '',
};
const accountProfile: PageModels['account-profile'] = { ...accountLanguage, name: 'Alice Example' };

const accountEmail = (step: PageModels['account-email']['step']): PageModels['account-email'] => ({
  step,
  accountUrl: '/oauth/acme/account',
  emailUrl: '/oauth/acme/account/email',
  ...(step === 'gone' || step === 'sign_in' ? {} : { action: '/oauth/acme/account/email', csrf }),
  ...(step === 'code' ? { demoMailUrl: '/oauth/acme/demo-mail' } : {}),
  ...(step === 'address' ? { current: 'alice@acme.example' } : {}),
  email: 'alice@home.example',
  username: 'alice',
});

const accountUsername: PageModels['account-username'] = {
  action: '/oauth/acme/account/username',
  csrf,
  accountUrl: '/oauth/acme/account',
  username: 'alice',
};

const {
  pictureAction: _picture,
  profileUrl: _profile,
  usernameUrl: _username,
  emailUrl: _email,
  ...managedAccount
} = account;

const accountSessions: PageModels['account-sessions'] = {
  accountUrl: '/oauth/acme/account',
  csrf,
  signIns: [
    {
      kind: 'session',
      isCurrent: true,
      browser: 'Firefox',
      system: 'Linux',
      address: '2001:db8:85a3::8a2e:370:7334',
      signedInAt: sampleNow - 5 * 60_000,
      apps: ['Notes', 'Calendar of Acme Corporation'],
      services: ['wiki.example.com', 'files.example.com'],
    },
    {
      kind: 'session',
      isCurrent: false,
      browser: 'Microsoft Edge',
      address: '192.0.2.7',
      signedInAt: sampleNow - 40 * 3_600_000,
      apps: [],
      services: ['*.example.com'],
      endAction: '/oauth/acme/account/sessions/s2/end',
    },
    {
      kind: 'session',
      isCurrent: false,
      pageOf: 'Notes',
      apps: ['Notes'],
      services: [],
      endAction: '/oauth/acme/account/sessions/s3/end',
    },
    {
      kind: 'gateway_session',
      isCurrent: false,
      browser: 'git',
      signedInAt: sampleNow - 3_600_000,
      apps: [],
      services: ['git.example.com'],
      endAction: '/oauth/acme/account/sessions/s4/end',
    },
    {
      kind: 'refresh_token',
      isCurrent: false,
      name: 'Calendar of Acme Corporation',
      signedInAt: sampleNow - 40 * 3_600_000,
      lastUsedAt: sampleNow - 60_000,
      apps: [],
      services: [],
      endAction: '/oauth/acme/account/sessions/g1/end',
    },
    {
      kind: 'device',
      isCurrent: false,
      apps: ['Television'],
      services: [],
      endAction: '/oauth/acme/account/sessions/d1/end',
    },
    {
      kind: 'api_key',
      isCurrent: false,
      name: 'Old mail program',
      signedInAt: sampleNow - 40 * 3_600_000,
      apps: [],
      services: [],
      manageUrl: '/oauth/acme/account/keys',
    },
  ],
  isFirst: true,
  endOthersAction: '/oauth/acme/account/sessions/end-others',
};

const accountApps: PageModels['account-apps'] = {
  accountUrl: '/oauth/acme/account',
  csrf,
  apps: [
    {
      name: 'Calendar of Acme Corporation',
      grantedAt: sampleNow - 40 * 3_600_000,
      scopes: [{ name: 'openid' }, { name: 'email' }, { name: 'offline_access' }],
      resources: [
        {
          name: 'Orders',
          scopes: [{ name: 'orders:read', description: 'Read your orders' }, { name: 'orders:write' }],
        },
      ],
      withdrawAction: '/oauth/acme/account/apps/calendar/withdraw',
    },
    {
      name: 'Notes',
      grantedAt: sampleNow - 400 * 24 * 3_600_000,
      scopes: [{ name: 'openid' }],
      resources: [],
      withdrawAction: '/oauth/acme/account/apps/notes/withdraw',
    },
  ],
};

const accountKeys: PageModels['account-keys'] = {
  accountUrl: '/oauth/acme/account',
  csrf,
  newKeyUrl: '/oauth/acme/account/keys/new',
  keys: [
    {
      name: 'Old mail program',
      services: ['mail', 'calendar'],
      createdAt: sampleNow - 40 * 24 * 3_600_000,
      expiresAt: sampleNow + 50 * 24 * 3_600_000,
      lastUsedAt: sampleNow - 60_000,
      rotateAction: '/oauth/acme/account/keys/aB3dE/rotate',
      revokeAction: '/oauth/acme/account/keys/aB3dE/revoke',
    },
    {
      name: 'db_4xGq9TzWm2Lk7RvB',
      createdAt: sampleNow,
      revokeAction: '/oauth/acme/account/keys/fG7hI/revoke',
    },
  ],
};
const accountKeyNew: PageModels['account-key-new'] = {
  action: '/oauth/acme/account/keys/new',
  csrf,
  note: '',
  services: ['mail', 'calendar'],
  lifetimes: [30 * 86_400, 90 * 86_400],
  cancelUrl: '/oauth/acme/account/keys',
};

const accountKeyCode: PageModels['account-key-code'] = {
  action: '/oauth/acme/account/keys/aB3dE/code',
  againAction: '/oauth/acme/account/keys/aB3dE/code/again',
  csrf,
  username: 'alice',
  address: 'a•••@example.com',
  secret: 'db_4xGq9TzWm2Lk7RvB_h0K3pVnYc8dQwE5sJ1uXf6ZaB9tM2G7oPq0Ri',
  cancelUrl: '/oauth/acme/account/keys',
};

const accountDeleteRefused: PageModels['account-delete'] = {
  accountUrl: '/oauth/acme/account',
  csrf,
  username: 'alice',
  exportAction: '/oauth/acme/account/export',
  sources: [],
};
const accountDelete: PageModels['account-delete'] = {
  ...accountDeleteRefused,
  action: '/oauth/acme/account/delete',
  deleteAt: sampleNow + 7 * 24 * 3_600_000,
};

const activityOf = (action: string, minutes: number, isFailure = false) =>
  ({ at: sampleNow - minutes * 60_000, action, isFailure, by: 'person' }) as const;
const accountActivity: PageModels['account-activity'] = {
  accountUrl: '/oauth/acme/account',
  isNewest: true,
  olderUrl: '/oauth/acme/account/activity?before=a1',
  entries: [
    { ...activityOf('sign_in.page', 5), address: '2001:db8:85a3::8a2e:370:7334', app: 'Notes' },
    { ...activityOf('sign_in.page', 6, true), by: 'unknown' },
    { ...activityOf('user.edit', 600), by: 'administrator' },
    { ...activityOf('session.end_others', 900), address: '192.0.2.7' },
    activityOf('of.no.text', 4000),
  ],
};

const accountSources: PageModels['account']['sources'] = [
  {
    displayName: 'Staff directory',
    connectedAt: sampleNow - 400 * 24 * 3_600_000,
    disconnectAction: '/oauth/acme/account/sources/staff/disconnect',
  },
  { displayName: 'Globex Account', connectAction: '/oauth/acme/account/sources/globex/connect' },
  { displayName: 'Old directory', connectUrl: '/oauth/acme/account/sources/old' },
];

const accountDevices: PageModels['account']['devices'] = [
  {
    name: 'Living room',
    lastSeenAt: sampleNow - 5 * 60_000,
    signOutAction: '/oauth/acme/account/devices/d1/sign-out',
  },
];

const deviceCode: PageModels['device-code'] = { action: '/oauth/acme/device', xsrf: csrf, userCode: '' };

const recover = { action: '/oauth/acme/recover', startUrl: '/oauth/acme/recover', signInUrl: '/oauth/acme' };

const register = {
  action: '/oauth/acme/register',
  startUrl: '/oauth/acme/register',
  signInUrl: '/oauth/acme',
};

const dora = { step: 'account', email: 'dora@example.com', mayChooseUsername: true } as const;

const tenants = [
  { id: 'default', displayName: 'Drawbridge Demo', url: '/oauth/default', color: '#2f5aa8' },
  { id: 'acme', displayName: 'Acme Corporation', url: '/oauth/acme', color: '#c2410c' },
  { id: 'bright', displayName: 'Bright & Sons', url: '/oauth/bright', color: '#ffd400' },
];

/** A brand that is hard to show: too bright, too dark, with a logo, with a name without spaces. */
const branded = (id: string, displayName: string, branding: Branding): Sample => ({
  ...sample(`login-${id}`, 'login', { ...login, login: 'alice', problem: 'credentials' }),
  tenant: { id, displayName, branding },
});

const logo = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 40"><circle cx="20" cy="20" r="18" fill="#0f766e"/><path d="M50 12h60M50 20h44M50 28h52" stroke="#0f766e" stroke-width="4"/></svg>',
)}`;

/** Every page, in the states that look different. */
export const samples: readonly Sample[] = [
  sample('recover-name', 'recover', { ...recover, step: 'name' }),
  sample('recover-unknown-link', 'recover', { ...recover, step: 'name', problem: 'link' }),
  sample('recover-code', 'recover', { ...recover, step: 'code', demoMailUrl: '/oauth/acme/demo-mail' }),
  sample('recover-wrong-code', 'recover', { ...recover, step: 'code', problem: 'code' }),
  sample('recover-password', 'recover', { ...recover, step: 'password', login: 'alice' }),
  sample('recover-weak-password', 'recover', {
    ...recover,
    step: 'password',
    login: 'alice',
    problem: 'policy',
    rule: 'The password is too short: it needs at least 15 characters.',
  }),
  sample('register-address', 'register', { ...register, step: 'address' }),
  sample('register-elsewhere', 'register', {
    ...{
      ...register,
      step: 'address',
      email: 'dora@contoso.example',
      problem: 'elsewhere',
      source: 'Contoso',
    },
  }),
  sample('register-invited-only', 'register', {
    ...{ action: '', signInUrl: '/oauth/acme', step: 'address', problem: 'link' },
  }),
  sample('register-code', 'register', {
    ...{ ...register, step: 'code', demoMailUrl: '/oauth/acme/demo-mail' },
  }),
  sample('register-account', 'register', { ...register, ...dora }),
  sample('register-account-taken', 'register', {
    ...{ ...register, ...dora, name: 'Dora Dean', username: 'dora', problem: 'username_taken' },
  }),
  sample('register-account-by-address', 'register', {
    ...{ ...register, ...dora, mayChooseUsername: false, problem: 'different' },
  }),
  sample('demo-mail-none', 'demo-mail', { mails: [] }),
  sample('demo-mail', 'demo-mail', {
    mails: [
      {
        to: 'alice@acme.example',
        subject: 'Choose a new password for Acme Corporation',
        text: 'Choose a new password\n\nhttps://id.acme.example/oauth/acme/recover/Zm9vYmFyYmF6Zm9vYmFyYmF6Zm9vYmFyYmF6\n\nIt works once, within 30 minutes.',
        link: 'https://id.acme.example/oauth/acme/recover/Zm9v',
        writtenAt: sampleNow - 60_000,
      },
    ],
  }),
  sample(
    'select-tenant',
    'select-tenant',
    { tenants, query: '', showSearch: false, allUrl: '/', remembered: 'acme' },
    true,
  ),
  sample(
    'select-tenant-search',
    'select-tenant',
    {
      tenants: Array.from({ length: 12 }, (_, i) => ({
        id: `branch-${i + 1}`,
        displayName: `Branch office ${i + 1}`,
        url: `/oauth/branch-${i + 1}`,
        color: ['#0f766e', '#7c3aed', '#be123c', '#1d4ed8'][i % 4] ?? '#000000',
      })),
      query: 'branch',
      showSearch: true,
      allUrl: '/gateway/sign-in?state=v1.sealed',
      state: 'v1.sealed',
    },
    true,
  ),
  sample(
    'select-tenant-none',
    'select-tenant',
    { tenants: [], query: 'zzz', showSearch: true, allUrl: '/' },
    true,
  ),
  sample(
    'select-tenant-empty',
    'select-tenant',
    { tenants: [], query: '', showSearch: false, allUrl: '/' },
    true,
  ),
  sample(
    'select-tenant-many',
    'select-tenant',
    { tenants: [], query: '', showSearch: true, isSearchOnly: true, allUrl: '/' },
    true,
  ),
  sample(
    'select-tenant-cut',
    'select-tenant',
    { tenants, query: 'a', showSearch: true, isSearchOnly: true, isCut: true, allUrl: '/' },
    true,
  ),
  sample(
    'select-tenant-ask',
    'select-tenant',
    { tenants: [], query: 'nobody.example', showSearch: true, isAsking: true, allUrl: '/' },
    true,
  ),
  sample('login', 'login', login),
  sample('login-recover', 'login', { ...login, recoverUrl: '/oauth/acme/recover' }),
  sample('login-register', 'login', { ...login, registerUrl: '/oauth/acme/register' }),
  sample('login-demo', 'login', {
    ...login,
    demoUsers: [
      { username: 'alice', password: 'alice-demo-password' },
      { username: 'bob', password: 'bob-demo-password' },
    ],
  }),
  sample('login-credentials', 'login', { ...login, login: 'alice', problem: 'credentials' }),
  sample('login-throttled', 'login', {
    ...login,
    login: 'alice',
    problem: 'throttled',
    retryAfterSeconds: 150,
  }),
  sample('login-throttled-unknown', 'login', { ...login, login: 'alice', problem: 'throttled' }),
  sample('login-source-settings', 'login', {
    ...login,
    login: 'alice',
    problem: 'source_settings',
    reason: 'The directory is not set up for this sign-in: sizeLimitExceeded at ldap1.acme.example',
  }),
  sample('login-unavailable', 'login', { ...login, login: 'alice', problem: 'unavailable' }),
  sample('login-passkey', 'login', { ...login, passkey }),
  sample('login-passkey-refused', 'login', { ...login, passkey, problem: 'passkey' }),
  sample('login-missing', 'login', {
    step: 'password',
    upstreams: [],
    action: '/oauth/acme/x',
    csrf,
    login: '',
    problem: 'missing',
  }),
  ...(
    [
      'password_change_required',
      'password_expired',
      'account_disabled',
      'account_locked',
      'hours_restricted',
      'workstation_restricted',
      'invalid',
      'upstream_unavailable',
      'no_source',
    ] as const
  ).map((problem) => sample(`login-problem-${problem}`, 'login', { ...login, upstreams, problem })),
  sample('login-upstreams', 'login', { ...login, upstreams }),
  sample('login-name', 'login', { ...login, step: 'name', upstreams }),
  sample('login-name-missing', 'login', { ...login, step: 'name', upstreams, problem: 'missing_name' }),
  sample('login-after-name', 'login', {
    ...login,
    login: 'alice@acme.example',
    otherNameUrl: '/oauth/acme/interaction/aB3dE?choose=yes',
  }),
  sample('login-choice', 'login', { ...login, step: 'choice', upstreams }),
  sample('login-choice-cancelled', 'login', {
    ...login,
    step: 'choice',
    upstreams: upstreams.slice(0, 1),
    problem: 'cancelled',
  }),
  sample('login-confirm', 'login', { ...login, login: 'alice', proven: 'v1.c2VhbGVk', problem: 'confirm' }),
  sample('change-password', 'change-password', changePassword),
  ...(
    [
      'credentials',
      'different',
      'missing',
      'not_offered',
      'password_change_required',
      'password_expired',
      'policy',
      'throttled',
      'unavailable',
    ] as const
  ).map((problem) => sample(`change-password-${problem}`, 'change-password', { ...changePassword, problem })),
  sample('change-password-rule', 'change-password', {
    ...changePassword,
    problem: 'policy',
    rule: 'Password fails quality checking policy',
  }),
  sample('change-password-source-settings', 'change-password', {
    ...changePassword,
    problem: 'source_settings',
    reason: 'The directory is not set up for this sign-in: insufficientAccessRights at ldap1.acme.example',
  }),
  sample('change-password-throttled-for', 'change-password', {
    ...changePassword,
    problem: 'throttled',
    retryAfterSeconds: 90,
  }),
  sample('password-changed', 'password-changed', { signInUrl: '/oauth/acme' }),
  sample('second-factor', 'second-factor', secondFactor),
  sample('second-factor-remember', 'second-factor', { ...secondFactor, rememberSeconds: 30 * 86_400 }),
  ...(['code', 'missing_code', 'throttled'] as const).map((problem) =>
    sample(`second-factor-${problem}`, 'second-factor', { ...secondFactor, problem }),
  ),
  sample('second-factor-throttled-for', 'second-factor', {
    ...secondFactor,
    problem: 'throttled',
    retryAfterSeconds: 3000,
  }),
  sample('second-factor-passkey', 'second-factor', { ...secondFactor, passkey }),
  sample('second-factor-passkey-refused', 'second-factor', { ...secondFactor, passkey, problem: 'passkey' }),
  sample('second-factor-passkey-only', 'second-factor', { ...secondFactor, passkey, isCodeAsked: false }),
  sample('email-code', 'email-code', emailCode),
  sample('email-code-unsent', 'email-code', { ...emailCode, isMailed: false }),
  sample('email-code-demo', 'email-code', { ...emailCode, demoMailUrl: '/oauth/acme/demo-mail' }),
  ...(['email_code', 'missing_code', 'throttled'] as const).map((problem) =>
    sample(`email-code-${problem}`, 'email-code', { ...emailCode, problem }),
  ),
  sample('email-code-too-many-mails', 'email-code', {
    ...{ ...emailCode, isMailed: false },
    problem: 'too_many_mails',
  }),
  sample('set-up-passkey', 'set-up-passkey', setUpPasskey),
  sample('set-up-passkey-refused', 'set-up-passkey', { ...setUpPasskey, problem: 'passkey' }),
  sample('set-up-passkey-later', 'set-up-passkey', {
    ...setUpPasskey,
    isDemanded: true,
    laterAction: '/oauth/acme/interaction/aB3dE/factor/later',
  }),
  sample('set-up-totp-or-passkey', 'set-up-totp', { ...setUpTotp, passkey }),
  sample('set-up-totp', 'set-up-totp', setUpTotp),
  sample('set-up-totp-own', 'set-up-totp', { ...setUpTotp, isDemanded: false, problem: 'code' }),
  sample('set-up-totp-expired', 'set-up-totp', { ...setUpTotp, problem: 'set_up_expired' }),
  sample('set-up-totp-later', 'set-up-totp', {
    ...setUpTotp,
    laterAction: '/oauth/acme/interaction/aB3dE/factor/later',
  }),
  sample('account-factors', 'account-factors', {
    csrf,
    accountUrl: '/oauth/acme/account',
    setUpTotpUrl: '/oauth/acme/account/factors/totp',
    setUpPasskeyUrl: '/oauth/acme/account/factors/passkey',
    factors: [
      {
        type: 'passkey',
        name: 'Phone',
        createdAt: sampleNow - 86_400_000,
        lastUsedAt: sampleNow,
        removeAction: '/oauth/acme/account/factors/aB3dE/remove',
      },
      {
        type: 'totp',
        name: 'Tablet',
        createdAt: sampleNow,
        removeAction: '/oauth/acme/account/factors/fG7hI/remove',
      },
    ],
    recoveryCodes: { left: 9, renewAction: '/oauth/acme/account/factors/recovery-codes' },
    outcome: 'added',
  }),
  sample('account-factors-none', 'account-factors', {
    csrf,
    accountUrl: '/oauth/acme/account',
    setUpTotpUrl: '/oauth/acme/account/factors/totp',
    factors: [],
  }),
  sample('account-factors-mailed', 'account-factors', {
    csrf,
    accountUrl: '/oauth/acme/account',
    setUpTotpUrl: '/oauth/acme/account/factors/totp',
    factors: [],
    mailedTo: 'a•••@example.com',
  }),
  sample('set-up-totp-limit', 'set-up-totp', { ...setUpTotp, isDemanded: false, problem: 'limit' }),
  sample('recovery-codes', 'recovery-codes', {
    codes: Array.from({ length: 10 }, (_, index) => `k7fq-2m9x-0a${index}c-tz4r`),
    csrf,
    nextAction: '/oauth/acme/interaction/aB3dE/factor/done',
  }),
  sample('connect-source', 'connect-source', connectSource),
  ...(['credentials', 'missing', 'account_locked', 'taken', 'throttled', 'unavailable'] as const).map(
    (problem) => sample(`connect-source-${problem}`, 'connect-source', { ...connectSource, problem }),
  ),
  branded('yellow', 'Sunny Side', { color: '#ffd400' }),
  branded('navy', 'Night Watch', { color: '#0a1445' }),
  branded('logo', 'Evergreen', { color: '#0f766e', logo }),
  branded('foot', 'Evergreen', {
    color: '#0f766e',
    links: {
      imprint: 'https://acme.example/imprint',
      privacy: { en: 'https://acme.example/privacy', de: 'https://acme.example/datenschutz' },
      terms: 'https://acme.example/terms',
      help: 'https://acme.example/help',
    },
    support: 'support@evergreen.example',
    footer: false,
  }),
  branded('long', `Donaudampfschifffahrts${'gesellschaft'.repeat(4)} & Co.`, { color: '#ff4d4d' }),
  sample('select-account', 'select-account', {
    action: '/oauth/acme/interaction/aB3dE/account',
    csrf,
    clientName: 'Acme Notes',
    username: 'alice',
    name: 'Alice Example',
    otherUrl: '/oauth/acme/interaction/aB3dE?choose=yes',
    cancelAction: '/oauth/acme/interaction/aB3dE/cancel',
  }),
  sample('consent', 'consent', {
    action: '/oauth/acme/interaction/aB3dE/consent',
    csrf,
    clientName: 'Holiday Planner',
    clientId: 'holiday-planner',
    clientUri: 'https://planner.example/',
    policyUri: 'https://planner.example/privacy',
    tosUri: 'https://planner.example/terms',
    redirectHost: 'planner.example',
    username: 'alice',
    scopes: [{ name: 'openid' }, { name: 'profile' }, { name: 'email' }, { name: 'groups' }],
    resources: [
      {
        name: 'Calendar',
        scopes: [{ name: 'calendar:read', description: 'Read your calendar' }, { name: 'calendar:write' }],
      },
    ],
    offlineAccess: true,
  }),
  sample('consent-all-scopes', 'consent', {
    action: '/oauth/acme/interaction/aB3dE/consent',
    csrf,
    clientName: 'Small',
    clientId: 'small',
    redirectHost: 'small.example',
    username: 'bob',
    scopes: [
      'openid',
      'profile',
      'email',
      'phone',
      'address',
      'groups',
      'roles',
      'offline_access',
      'account',
    ].map((name) => ({ name })),
    resources: [],
    offlineAccess: true,
  }),
  sample('consent-device', 'consent', {
    action: '/oauth/acme/interaction/aB3dE/consent',
    csrf,
    clientName: 'Living room',
    clientId: 'tv',
    redirectHost: '',
    username: 'alice',
    scopes: [{ name: 'openid' }],
    resources: [],
    offlineAccess: false,
  }),
  sample('device-code', 'device-code', deviceCode),
  ...(['missing', 'unknown', 'expired', 'used', 'aborted', 'throttled', 'other'] as const).map((problem) =>
    sample(`device-code-${problem}`, 'device-code', { ...deviceCode, userCode: 'WDJB-MJHT', problem }),
  ),
  sample('device-code-throttled-for', 'device-code', {
    ...deviceCode,
    problem: 'throttled',
    retryAfterSeconds: 45,
  }),
  sample('device-confirm', 'device-confirm', {
    action: '/oauth/acme/device',
    xsrf: csrf,
    userCode: 'WDJB-MJHT',
    clientName: 'Acme TV',
    requestedAt: sampleNow - 120_000,
    address: '203.0.113.7',
    userAgent: 'AcmeTV/4.2 (Linux; living room)',
  }),
  sample('device-confirm-described', 'device-confirm', {
    action: '/oauth/acme/device',
    xsrf: csrf,
    userCode: 'WDJB-MJHT',
    clientName: 'Acme TV',
    requestedAt: sampleNow - 120_000,
    address: '203.0.113.7',
    userAgent: 'AcmeTV/4.2',
    name: 'Living room',
    model: 'AcmeTV 55',
    serial: 'A55-000-123-456-789',
  }),
  sample('device-confirm-unknown', 'device-confirm', {
    action: '/oauth/acme/device',
    xsrf: csrf,
    userCode: 'WDJB-MJHT',
    clientName: 'Acme TV',
    requestedAt: sampleNow,
    address: '',
    userAgent: '',
  }),
  sample('device-done-approved', 'device-done', { clientName: 'Acme TV', outcome: 'approved' }),
  sample('device-done-refused', 'device-done', { clientName: 'Acme TV', outcome: 'refused' }),
  sample('form-post', 'form-post', {
    action: 'https://notes.acme.example/callback',
    fields: [{ name: 'code', value: 'a"b' }],
  }),
  sample('logout', 'logout', {
    action: '/oauth/acme/session/end/confirm',
    stayUrl: '/oauth/acme',
    xsrf: csrf,
  }),
  sample('logout-app', 'logout', {
    action: '/oauth/acme/session/end/confirm',
    stayUrl: '/oauth/acme',
    xsrf: csrf,
    clientName: 'Acme Notes',
    username: 'alice',
  }),
  sample('signed-out', 'signed-out', { signInUrl: '/oauth/acme' }),
  sample('signed-out-app', 'signed-out', { signInUrl: '/oauth/acme', clientName: 'Acme Notes' }),
  sample('account', 'account', account),
  sample('account-picture', 'account', { ...account, pictureUrl: '/assets/favicon.svg' }),
  ...(['address', 'code', 'confirm', 'sign_in', 'gone'] as const).map((step) =>
    sample(`account-email-${step}`, 'account-email', accountEmail(step)),
  ),
  ...(['address', 'elsewhere', 'same', 'throttled'] as const).map((problem) =>
    sample(`account-email-address-${problem}`, 'account-email', {
      ...accountEmail('address'),
      source: 'Staff directory',
      problem,
    }),
  ),
  ...(['code', 'email_taken', 'missing_code'] as const).map((problem) =>
    sample(`account-email-code-${problem}`, 'account-email', { ...accountEmail('code'), problem }),
  ),
  sample('account-email-link', 'account-email', { ...accountEmail('gone'), problem: 'link' }),
  sample('email-undo', 'email-undo', {
    step: 'ask',
    action: '/oauth/acme/email-undo?token=aB3dE',
    email: 'alice@acme.example',
    username: 'alice',
    signInUrl: '/oauth/acme',
  }),
  sample('email-undo-done', 'email-undo', {
    step: 'done',
    signInUrl: '/oauth/acme',
    recoverUrl: '/oauth/acme/recover',
  }),
  sample('email-undo-already', 'email-undo', {
    step: 'already',
    email: 'alice@acme.example',
    username: 'alice',
    signInUrl: '/oauth/acme',
    recoverUrl: '/oauth/acme/recover',
  }),
  ...(['email_taken', 'link'] as const).map((problem) =>
    sample(`email-undo-${problem}`, 'email-undo', { step: 'gone', problem, signInUrl: '/oauth/acme' }),
  ),
  sample('account-profile', 'account-profile', accountProfile),
  sample('account-profile-language', 'account-profile', { ...accountLanguage, language: 'de' }),
  sample('account-profile-name', 'account-profile', { ...accountProfile, language: 'de', problem: 'name' }),
  ...(['throttled', 'username', 'username_address', 'username_taken'] as const).map((problem) =>
    sample(`account-username-${problem}`, 'account-username', { ...accountUsername, problem }),
  ),
  sample('account-username', 'account-username', accountUsername),
  sample('account-managed', 'account', {
    ...managedAccount,
    managed: { profile: ['Staff directory', 'Globex Account'], password: ['Staff directory'] },
  }),
  sample('account-sessions', 'account-sessions', accountSessions),
  sample('account-sessions-more', 'account-sessions', {
    ...accountSessions,
    isFirst: false,
    moreUrl: '/oauth/acme/account/sessions?cursor=x',
  }),
  sample('account-sessions-ended', 'account-sessions', { ...accountSessions, outcome: 'ended' }),
  sample('account-sessions-others', 'account-sessions', { ...accountSessions, outcome: 'others_ended' }),
  sample('account-sessions-not-found', 'account-sessions', { ...accountSessions, problem: 'not_found' }),
  sample('account-apps', 'account-apps', accountApps),
  sample('account-apps-none', 'account-apps', { ...accountApps, apps: [], outcome: 'withdrawn' }),
  sample('account-apps-not-found', 'account-apps', { ...accountApps, problem: 'not_found' }),
  sample('account-keys', 'account-keys', accountKeys),
  sample('account-keys-none', 'account-keys', { ...accountKeys, keys: [], outcome: 'revoked' }),
  sample('account-keys-verified', 'account-keys', { ...accountKeys, outcome: 'verified' }),
  ...(['not_found', 'changed'] as const).map((problem) =>
    sample(`account-keys-${problem}`, 'account-keys', { ...accountKeys, problem }),
  ),
  sample('account-key-new', 'account-key-new', accountKeyNew),
  ...(['key_address', 'key_limit', 'key_mails', 'key_note', 'key_services'] as const).map((problem) =>
    sample(`account-key-new-${problem}`, 'account-key-new', { ...accountKeyNew, problem }),
  ),
  sample('account-key-made', 'account-key-made', {
    secret: 'db_4xGq9TzWm2Lk7RvB_h0K3pVnYc8dQwE5sJ1uXf6ZaB9tM2G7oPq0Ri',
    username: 'alice',
    nextUrl: '/oauth/acme/account/keys',
  }),
  sample('account-key-code', 'account-key-code', accountKeyCode),
  ...(['code', 'key_address', 'key_limit', 'missing_code', 'throttled'] as const).map((problem) =>
    sample(`account-key-code-${problem}`, 'account-key-code', { ...accountKeyCode, problem }),
  ),
  sample('account-key-code-sent', 'account-key-code', { ...accountKeyCode, outcome: 'sent' }),
  sample('account-activity', 'account-activity', accountActivity),
  sample('account-activity-none', 'account-activity', {
    accountUrl: '/oauth/acme/account',
    isNewest: false,
    entries: [],
  }),
  sample('account-delete', 'account-delete', accountDelete),
  sample('account-delete-other-username', 'account-delete', { ...accountDelete, problem: 'other_username' }),
  sample('account-delete-sources', 'account-delete', { ...accountDelete, sources: ['Staff directory'] }),
  ...(['file', 'tenant'] as const).map((refusal) =>
    sample(`account-delete-${refusal}`, 'account-delete', { ...accountDeleteRefused, refusal }),
  ),
  sample('recover-factor', 'recover-factor', {
    username: 'alice',
    action: '/oauth/acme/recover/factor?token=t',
  }),
  sample('recover-factor-code', 'recover-factor', {
    username: 'alice',
    code: 'abcd-efgh-jkmn-pqrs',
    nextUrl: '/oauth/acme/account/factors',
  }),
  sample('recover-factor-link', 'recover-factor', { problem: 'link' }),
  sample('account-deleted', 'account-deleted', {
    deleteAt: sampleNow + 7 * 24 * 3_600_000,
    signInUrl: '/oauth/acme',
  }),
  sample('account-kept', 'account-kept', {
    username: 'alice',
    deleteAt: sampleNow + 24 * 3_600_000,
    nextUrl: '/oauth/acme/auth/u1',
  }),
  sample('account-sources', 'account', {
    ...account,
    sources: accountSources,
    changePasswordUrl: '/oauth/acme/account/password',
  }),
  ...(['connected', 'disconnected', 'email_changed', 'profile_changed', 'username_changed'] as const).map(
    (outcome) => sample(`account-${outcome}`, 'account', { ...account, sources: accountSources, outcome }),
  ),
  sample('account-devices', 'account', {
    ...account,
    devices: accountDevices,
    outcome: 'device_signed_out',
  }),
  ...(['cancelled', 'invalid', 'last', 'not_found', 'taken', 'unavailable'] as const).map((problem) =>
    sample(`account-problem-${problem}`, 'account', { ...account, sources: accountSources, problem }),
  ),
  ...(
    [
      [400, 'invalid_request'],
      [400, 'invalid_redirect_uri'],
      [400, 'invalid_client'],
      [400, 'session_expired'],
      [400, 'toString'],
      [401, 'unauthorized'],
      [403, 'access_denied'],
      [403, 'forbidden'],
      [404, 'not_found'],
      [405, 'method_not_allowed'],
      [413, 'payload_too_large'],
      [418, 'teapot'],
      [421, 'misdirected_request'],
      [429, 'throttled'],
      [500, 'server_error'],
      [502, 'server_error'],
      [503, 'unavailable'],
      [503, 'tenant_unavailable'],
    ] as const
  ).map(([status, code]) =>
    sample(
      `error-${status}-${code}`,
      'error',
      {
        status,
        code,
        errorId: '9f2c41d07ab3e865',
        homeUrl: '/',
        ...(status < 500
          ? { description: 'The parameter redirect_uri is not registered for this client' }
          : {}),
        ...(code === 'invalid_redirect_uri' ? { hint: redirectHint } : {}),
        ...(status === 503 || status === 429 ? { retryAfterSeconds: 5 } : {}),
      },
      status === 421,
    ),
  ),
  ...(
    [
      'expired',
      'form_out_of_date',
      'not_finished',
      'other_browser',
      'other_person',
      'returned',
      'signed_in',
    ] as const
  ).map((reason) =>
    sample(`sign-in-over-${reason}`, 'sign-in-over', {
      reason,
      code: 'session_expired',
      errorId: '9f2c41d07ab3e865',
      accountUrl: '/oauth/acme',
      ...(reason === 'form_out_of_date' ? { formUrl: '/oauth/acme/account' } : {}),
      ...(reason === 'expired' || reason === 'signed_in'
        ? { app: { name: 'Acme Notes', url: 'https://notes.acme.example/' } }
        : {}),
    }),
  ),
  sample(
    'service-sign-out',
    'service-sign-out',
    { action: '/.drawbridge/sign-out', host: 'orders.acme.example' },
    true,
  ),
  ...(['expired', 'invalid', 'not_served', 'not_signed_in', 'too_weak', 'unknown_ticket'] as const).map(
    (problem) =>
      sample(`service-problem-${problem}`, 'service-problem', {
        problem,
        code: 'invalid_request',
        errorId: '9f2c41d07ab3e865',
        ...(problem === 'invalid' || problem === 'not_served'
          ? {}
          : { retryUrl: 'https://orders.acme.example/deep?x=1' }),
        ...(problem === 'invalid' || problem === 'not_served' ? { homeUrl: '/' } : {}),
      }),
  ),
];

export const tenantLook: NonNullable<Look['tenant']> = {
  id: 'acme',
  displayName: 'Acme Corporation',
  branding: { color: '#c2410c' },
};

export const lookOf = (locale: Look['locale'], ofServer = false, tenant = tenantLook): Look => ({
  locale,
  languageUrls: locale === 'en' ? { de: '?ui_locales=de' } : { en: '?ui_locales=en' },
  ...(ofServer ? {} : { tenant }),
});
