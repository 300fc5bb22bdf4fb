import { apiPath } from '../../src/self-service/api/operation.ts';
import { type Answer, toAnswer } from './oauth-client.ts';

export interface ApiQuestion {
  readonly method?: string;
  readonly token?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON. */
  readonly body?: object | string;
}

/** A request to the API of the own account, at `<issuer>/api/v1`. */
export const askApi = async (
  issuer: string,
  path: string,
  { method = 'GET', token, headers = {}, body }: ApiQuestion = {},
): Promise<Answer> =>
  toAnswer(
    await fetch(`${issuer}${apiPath}${path}`, {
      method,
      headers: {
        ...(typeof body === 'object' ? { 'content-type': 'application/json' } : {}),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'object' ? JSON.stringify(body) : body }),
    }),
  );
