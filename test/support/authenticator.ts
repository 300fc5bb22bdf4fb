// An authenticator in software (WebAuthn Level 3): ES256, attestation "none". It does what it is asked, also what no real one
// would.
import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto';
import { type Browser, type Page, unescapeHtml } from './browser.ts';

export interface Authenticator {
  /** The answer of the browser to `navigator.credentials.create`, as JSON. */
  create(options: string, change?: Change): string;
  /** To `navigator.credentials.get`. */
  get(options: string, change?: Change): string;
}

/** In place of what is right. */
export interface Change {
  readonly origin?: string;
  readonly rpId?: string;
  readonly userHandle?: string;
  readonly isVerified?: boolean;
  readonly counter?: number;
  readonly crossOrigin?: boolean;
  /** Signs with another key. */
  readonly isForged?: boolean;
}

export interface AuthenticatorTraits {
  readonly origin: string;
  /** Default: it does not count. */
  readonly isCounting?: boolean;
  readonly isSynced?: boolean;
}

interface Asked {
  readonly challenge: string;
  readonly rp?: { readonly id: string };
  readonly rpId?: string;
  readonly user?: { readonly id: string };
}

const sha256 = (data: Buffer | string): Buffer => createHash('sha256').update(data).digest();
const flag = { present: 1, verified: 4, backupEligible: 8, backedUp: 16, attested: 64 } as const;

const newKey = (): KeyObject =>
  createPrivateKey(
    generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
  );

/** RFC 9053 section 7.1.1: EC2, ES256, P-256, x, y. */
const coseOf = (key: KeyObject): Buffer => {
  const { x = '', y = '' } = key.export({ format: 'jwk' });
  return Buffer.concat([
    Buffer.from('a5010203262001215820', 'hex'),
    Buffer.from(x, 'base64url'),
    Buffer.from('225820', 'hex'),
    Buffer.from(y, 'base64url'),
  ]);
};

const text = (word: string): Buffer => Buffer.concat([Buffer.from([0x60 + word.length]), Buffer.from(word)]);

const attestationOf = (authData: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from([0xa3]),
    text('fmt'),
    text('none'),
    text('attStmt'),
    Buffer.from([0xa0]),
    text('authData'),
    Buffer.from([0x59, authData.length >> 8, authData.length & 0xff]),
    authData,
  ]);

export const createAuthenticator = ({ origin, isCounting, isSynced }: AuthenticatorTraits): Authenticator => {
  const key = newKey();
  const id = randomBytes(32);
  let counter = 0;
  let owner = '';

  const clientData = (type: string, challenge: string, change: Change): Buffer =>
    Buffer.from(
      JSON.stringify({
        type,
        challenge,
        origin: change.origin ?? origin,
        crossOrigin: change.crossOrigin ?? false,
      }),
    );

  const authData = (rpId: string, flags: number, { isVerified = true, ...change }: Change): Buffer => {
    const count = Buffer.alloc(4);
    if (isCounting === true) count.writeUInt32BE(change.counter ?? ++counter);
    const own = flag.present + (isVerified ? flag.verified : 0);
    const synced = isSynced === true ? flag.backupEligible + flag.backedUp : 0;
    return Buffer.concat([sha256(change.rpId ?? rpId), Buffer.from([own + synced + flags]), count]);
  };

  const credential = (response: Readonly<Record<string, unknown>>): string =>
    JSON.stringify({
      id: id.toString('base64url'),
      rawId: id.toString('base64url'),
      type: 'public-key',
      response,
      clientExtensionResults: {},
    });

  return {
    create: (options, change = {}) => {
      const { challenge, rp, user } = JSON.parse(options) as Asked; // of our page
      owner = user?.id ?? '';
      const attested = Buffer.concat([
        authData(rp?.id ?? '', flag.attested, change),
        Buffer.alloc(16),
        Buffer.from([0, id.length]),
        id,
        coseOf(key),
      ]);
      return credential({
        clientDataJSON: clientData('webauthn.create', challenge, change).toString('base64url'),
        attestationObject: attestationOf(attested).toString('base64url'),
        transports: ['internal'],
      });
    },
    get: (options, change = {}) => {
      const { challenge, rpId = '' } = JSON.parse(options) as Asked; // of our page
      const data = clientData('webauthn.get', challenge, change);
      const authenticatorData = authData(rpId, 0, change);
      const signer = change.isForged === true ? newKey() : key;
      return credential({
        clientDataJSON: data.toString('base64url'),
        authenticatorData: authenticatorData.toString('base64url'),
        signature: sign('sha256', Buffer.concat([authenticatorData, sha256(data)]), signer).toString(
          'base64url',
        ),
        userHandle: change.userHandle ?? owner,
      });
    },
  };
};

export interface PasskeyForm {
  readonly action: string;
  readonly kind: string;
  readonly options: string;
  readonly csrf: string;
}

/** The form of the page that a script fills in. */
export const passkeyFormOn = ({ body, url }: Page): PasskeyForm | undefined => {
  const found =
    /<form class="form" method="post" action="([^"]*)" data-passkey="(\w+)" data-options="([^"]*)"[^>]*>\s*<input type="hidden" name="csrf" value="([^"]*)">/.exec(
      body,
    );
  if (found === null) return undefined;
  const [, action = '', kind = '', options = '', csrf = ''] = found.map((part) => unescapeHtml(part));
  return { action: new URL(action, url).href, kind, options, csrf };
};

/** What the script does: asks the authenticator, and sends the form. @throws Error at a page without it */
export const usePasskey = async (
  browser: Browser,
  page: Page,
  { key, change, name }: { readonly key: Authenticator; readonly change?: Change; readonly name?: string },
): Promise<Page> => {
  const form = passkeyFormOn(page);
  if (form === undefined) throw new Error(`no passkey is asked for on ${page.url} (${page.status})`);
  const credential =
    form.kind === 'create' ? key.create(form.options, change) : key.get(form.options, change);
  return browser.post(form.action, { csrf: form.csrf, credential, ...(name === undefined ? {} : { name }) });
};
