import { expect, it } from '@jest/globals';
import { createLog } from '../../src/log.ts';

it('a field with the name of a secret is masked, also in the headers of a request', () => {
  let line = '';
  const destination = {
    write: (text: string) => {
      line += text;
    },
  };
  const value = 'h0K3pVnYc8dQwE5sJ1uX';
  const secrets = ['authorization', 'cookie', 'x-api-key', 'x-api-secret', 'secret', 'subject_token'];
  const fields = Object.fromEntries(secrets.map((name) => [name, value]));
  createLog({ level: 'info' }, destination).info({ ...fields, headers: { ...fields, host: 'a' } }, 'said');
  expect(line).not.toContain(value);
  expect(JSON.parse(line)).toMatchObject({ headers: { host: 'a' }, msg: 'said' });
});
