import { bodyOf, titleOf, type Channel } from './channel.ts'
import { post } from './post.ts'

/** A push message to telephones. Source: https://docs.ntfy.sh/publish/ (headers Title, Priority, Tags; a bearer token). */
export const ntfy: Channel<'ntfy'> = {
  async tell({ url, token }, event, telling) {
    const isWell = event.ending === 'done'
    const authorization = token === undefined ? {} : { authorization: `Bearer ${(await token.resolve()).reveal()}` }
    const headers = {
      title: titleOf(event),
      priority: isWell ? '2' : '5',
      tags: isWell ? 'white_check_mark' : 'rotating_light',
    }
    await post(
      {
        method: 'POST',
        url: (await url.resolve()).reveal(),
        headers: { ...headers, ...authorization },
        body: bodyOf(event),
      },
      telling,
    )
  },
}
