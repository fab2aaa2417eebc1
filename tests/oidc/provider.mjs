// A real OIDC provider on loopback: `node provider.mjs PORT CERT KEY CALLBACK`. Prints "ready".
// Anybody logs in by name with any password; the groups of a person are the part of the name after a dash.
import fs from 'node:fs';
import https from 'node:https';
import Provider from 'oidc-provider';

const [port, cert, key, callback] = process.argv.slice(2);
const issuer = `https://localhost:${port}`;
const person = (id) => {
  const [name, ...groups] = id.split('-');
  return { sub: `person-${name}`, preferred_username: name, name: `Người ${name}`, groups };
};
const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'fansipan',
      client_secret: 'a secret that only the two know',
      redirect_uris: [callback],
      post_logout_redirect_uris: [new URL('/', callback).href],
    },
  ],
  claims: { openid: ['sub'], profile: ['preferred_username', 'name', 'groups'] },
  findAccount: (_, id) => ({ accountId: id, claims: () => person(id) }),
  pkce: { required: () => true },
  features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
  cookies: { keys: ['test'] },
});
provider.proxy = false;
https
  .createServer({ cert: fs.readFileSync(cert), key: fs.readFileSync(key) }, provider.callback())
  .listen(Number(port), '127.0.0.1', () => console.log('ready'));
process.stdout.on('error', () => {}); // nobody reads on after "ready"
process.stdin.on('end', () => process.exit(0)).resume(); // ends with the test
