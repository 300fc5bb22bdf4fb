// Members of our own that the library's models keep: what a sign-in was proven by, and which code gave a token.
import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import { markOfSource } from '../tokens/code-tokens.ts';
import { provenNow, readProvenBy, setProvenBy } from './proven-by.ts';

/** The library's context of the request in progress. */
type CurrentContext = () => KoaContextWithOIDC | undefined;

/**
 * A session remembers at which sources its person signed in: `clients` of a source holds for everything that hangs on
 * the session. Of a person who signs in once more both sources count. Held by flows/source-clients.test.ts.
 */
export const keepProvenBy = (provider: Provider, current: CurrentContext): void => {
  for (const model of [provider.Session, provider.Grant] as unknown as { readonly IN_PAYLOAD: string[] }[]) {
    // untyped
    const kept = [...model.IN_PAYLOAD, 'provenBy'];
    Object.defineProperty(model, 'IN_PAYLOAD', { get: () => kept });
  }
  const prototype = provider.Session.prototype as unknown as LoginSession; // public, but untyped
  const { loginAccount } = prototype;
  prototype.loginAccount = function loginAt(details): void {
    const source = provenNow(current());
    const earlier = this.accountId === details.accountId ? (readProvenBy(this) ?? []) : [];
    loginAccount.call(this, details);
    if (source !== undefined) setProvenBy(this, [...new Set([...earlier, source])]);
  };
};

interface LoginSession {
  readonly accountId?: string;
  loginAccount(details: { readonly accountId: string }): void;
}

/**
 * Tokens know which code they were given for, also after refreshes. Held by flows/authorization-code.test.ts.
 */
export const markTokensOfCodes = (provider: Provider, current: CurrentContext): void => {
  const models = [provider.AccessToken, provider.RefreshToken] as unknown as MarkedModel[]; // public, but untyped
  for (const model of models) {
    const kept = [...model.IN_PAYLOAD, 'codeMark'];
    Object.defineProperty(model, 'IN_PAYLOAD', { get: () => kept });
    const { save } = model.prototype;
    model.prototype.save = function saveMarked(): Promise<string> {
      this.codeMark ??= markOfSource(current());
      return save.call(this);
    };
  }
};

interface MarkedModel {
  readonly IN_PAYLOAD: string[];
  readonly prototype: { codeMark?: string | undefined; save(): Promise<string> };
}
