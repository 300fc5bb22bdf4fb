// Plain JavaScript, because jest's global set-up is loaded without a transform.
import { generateKeyPair } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** As many tenants of a test server have their RSA key from here; further ones make theirs. */
const count = 4;

/** Makes RSA keys for a whole run, a quarter of a second each; every store of the tests would need some. */
export const makeSigningKeys = async (file) => {
  const options = {
    modulusLength: 2048,
    privateKeyEncoding: { format: 'jwk' },
    publicKeyEncoding: { format: 'jwk' },
  };
  const pairs = await Promise.all(
    Array.from({ length: count }, () => promisify(generateKeyPair)('rsa', options)),
  );
  await writeFile(file, JSON.stringify(pairs.map(({ privateKey }) => privateKey)), { mode: 0o600 });
};
