// Starts a container of an image of a private repository through testcontainers; DOCKER_HOST names the engine, DOCKER_AUTH_CONFIG or the
// config.json in DOCKER_CONFIG has the account. Argument: the image, which has busybox. Prints "good" when it runs.
import { GenericContainer, Wait } from 'testcontainers';

const [image] = process.argv.slice(2);
// The client takes its log streams off Node's count of what is alive.
setInterval(() => {}, 1000);
const container = await new GenericContainer(image)
  .withCommand(['/bin/busybox', 'sh', '-c', 'echo pulled; exec /bin/busybox sleep 1000'])
  .withNetworkMode('none')
  .withWaitStrategy(Wait.forLogMessage('pulled'))
  .start();
await container.stop();
console.log('good');
process.exit(0);
