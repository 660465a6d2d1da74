/** Pieces of the templates, indented as in the file. */

/** The user of the database, and where its password is. */
export function login(name: string, password: string): string {
  return `        host: 127.0.0.1
        database: ${name}
        user: ${name}
        password: ${JSON.stringify(password)}
`
}

/** A check of the restored copy. */
export function check(name: string, sql: string): string {
  return `        # Run on every restored copy before it counts as proven.
        checks:
          - name: ${name}
            sql: ${JSON.stringify(sql)}
            expect: true
`
}

/** The proof of the keys, by the recipe of the profile. */
export function keyFit(recipe: string, key: string): string {
  return `    # Every backup and drill proves that these keys open this data.
    keyFit:
      - kind: recipe
        recipe: ${recipe}
        keys:
          ${key}
`
}
