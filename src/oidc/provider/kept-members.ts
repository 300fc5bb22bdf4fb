// Members of our own that the library's models keep: what a sign-in was proven by, where it
// came from, and which code gave a token.
import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import { type SessionOrigin, sessionOrigin } from '../../accounts/session-origin.ts';
import { markOfSource } from '../tokens/code-tokens.ts';
import { provenNow, readProvenBy, setProvenBy } from './proven-by.ts';

/** The library's context of the request in progress. */
type CurrentContext = () => KoaContextWithOIDC | undefined;

/**
 * A session remembers at which sources its person signed in: `clients` of a source holds for everything that hangs on
 * the session. Of a person who signs in once more both sources count. Held by flows/source-clients.test.ts.
 */
export const keepProvenBy = (provider: Provider, current: CurrentContext): void => {
  keepInPayload(provider.Session, 'provenBy');
  keepInPayload(provider.Grant, 'provenBy');
  const prototype = provider.Session.prototype as unknown as LoginSession; // public, but untyped
  const { loginAccount } = prototype;
  prototype.loginAccount = function loginAt(details): void {
    const source = provenNow(current());
    const earlier = this.accountId === details.accountId ? (readProvenBy(this) ?? []) : [];
    loginAccount.call(this, details);
    if (source !== undefined) setProvenBy(this, [...new Set([...earlier, source])]);
  };
};

/** A grant remembers the only roles that its tokens have. Held by flows/api-key-tokens.test.ts. */
export const keepRoleLimit = (provider: Provider): void => keepInPayload(provider.Grant, 'atMostRoles');

/**
 * A session remembers the browser and the address of its last sign-in, and the app on whose own page it was, for its person
 * to recognise it. Held by flows/own-account.test.ts and flows/sign-ins.test.ts.
 */
export const keepOrigin = (
  provider: Provider,
  current: CurrentContext,
  addressOf: (ctx: KoaContextWithOIDC) => string,
): void => {
  keepInPayload(provider.Session, 'origin');
  keepInPayload(provider.Session, 'directClientId');
  const prototype = provider.Session.prototype as unknown as LoginSession; // public, but untyped
  const { loginAccount } = prototype;
  prototype.loginAccount = function loginFrom(details): void {
    loginAccount.call(this, details);
    const ctx = current();
    if (ctx !== undefined) this.origin = sessionOrigin(addressOf(ctx), ctx.get('User-Agent'));
  };
};

/** The library stores only the members of a model that it knows. */
const keepInPayload = (model: unknown, member: string): void => {
  const { IN_PAYLOAD } = model as { readonly IN_PAYLOAD: string[] }; // public, but untyped
  const kept = [...IN_PAYLOAD, member];
  Object.defineProperty(model, 'IN_PAYLOAD', { get: () => kept, configurable: true });
};

interface LoginSession {
  readonly accountId?: string;
  origin?: SessionOrigin;
  loginAccount(details: { readonly accountId: string }): void;
}

/**
 * Tokens know which code they were given for, also after refreshes. Held by flows/authorization-code.test.ts.
 */
export const markTokensOfCodes = (provider: Provider, current: CurrentContext): void => {
  const models = [provider.AccessToken, provider.RefreshToken] as unknown as MarkedModel[]; // public, but untyped
  for (const model of models) {
    keepInPayload(model, 'codeMark');
    const { save } = model.prototype;
    model.prototype.save = function saveMarked(): Promise<string> {
      this.codeMark ??= markOfSource(current());
      return save.call(this);
    };
  }
};

interface MarkedModel {
  readonly prototype: { codeMark?: string | undefined; save(): Promise<string> };
}
