// Reads a private image of a hub by a registry client from npm: node registry.mjs HOST:PORT REPOSITORY TAG USER PASSWORD
import { createHash } from 'node:crypto';
import client from '@snyk/docker-registry-v2-client';

const [host, repository, tag, user, password] = process.argv.slice(2);
// It wants public registries over TLS unless it is told otherwise.
const options = { protocol: 'http', ssrfProtectionDryRun: true };
const digestOf = bytes => 'sha256:' + createHash('sha256').update(bytes).digest('hex');
const problem = async work => { try { await work; return null; } catch (error) { return String(error.statusCode ?? error.message); } };

await client.checkSupport(host, user, password, options);
const manifest = await client.getManifest(host, repository, tag, user, password, options);
const layers = [];
for (const layer of manifest.layers)
  layers.push([layer.digest, digestOf(await client.getLayer(host, repository, layer.digest, user, password, options))]);
console.log(JSON.stringify({
  repositories: await client.getRepos(host, user, password, 1, 100, options),
  tags: await client.getTags(host, repository, user, password, 1, 100, options),
  digest: manifest.manifestDigest,
  layers,
  configuration: await client.getImageConfig(host, repository, manifest.config.digest, user, password, options),
  size: await client.getImageSize(host, repository, tag, user, password, options),
  stranger: await problem(client.getManifest(host, repository, tag, undefined, undefined, options)),
}));
