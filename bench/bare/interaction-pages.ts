import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Provider } from 'oidc-provider';
import type { SignIn } from './sign-in.ts';

/** The smallest page that a person could sign in on. */
const loginPage = (action: string): string =>
  `<!doctype html><title>Sign in</title><h1>Sign in</h1><form method="post" action="${action}">` +
  '<input name="login"><input name="password" type="password"><button type="submit">Sign in</button></form>';

/** Below `/interaction/`: shows the form, checks the password, and grants what the app asked for. */
export const createInteractionPages =
  (provider: Provider, signIn: SignIn) =>
  async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const { uid, params } = await provider.interactionDetails(req, res);
    if (req.method === 'GET') {
      res.setHeader('Content-Type', 'text/html; charset=utf-8');
      res.end(loginPage(`/interaction/${uid}/login`));
      return;
    }
    const form = await readForm(req);
    const accountId = await signIn(form.get('login') ?? '', form.get('password') ?? '');
    if (accountId === undefined) {
      res.statusCode = 400;
      res.end(loginPage(`/interaction/${uid}/login`));
      return;
    }
    const grant = new provider.Grant({ accountId, clientId: String(params.client_id) });
    grant.addOIDCScope(String(params.scope));
    const consent = { grantId: await grant.save() };
    await provider.interactionFinished(req, res, { login: { accountId }, consent });
  };

const readForm = async (req: IncomingMessage): Promise<URLSearchParams> => {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer); // no encoding is set
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
};
