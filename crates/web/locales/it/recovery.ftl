# Con che cosa si recupera un account, e come.

recovery-title = Recupero
recovery-what = Se perdi tutti i dispositivi, così riavrai il tuo account e tutte le tue conversazioni.
recovery-loading = Cerco la tua chiave di recupero…
recovery-none = Non c’è ancora nulla. Se ora perdi tutti i dispositivi, perdi con loro l’account.
recovery-make-key = Crea una chiave di recupero
recovery-new-key = Crea una nuova chiave di recupero
recovery-add-passkey = Aggiungi una passkey
recovery-passkey-hint = Una passkey sta nel telefono, nel gestore di password o in una chiave di sicurezza. Una chiave di recupero è fatta di 24 parole su carta.
recovery-not-primary = Il recupero si prepara su un dispositivo principale.
recovery-words = Chiave di recupero di 24 parole
recovery-passkey = Passkey: { $name }
recovery-made = Creata { $when }
recovery-not-ready = Non ancora sul server
recovery-remove = Rimuovi
recovery-remove-name = Rimuovi { $name }
recovery-remove-title = Rimuovere questa via di recupero?
recovery-remove-what = Con questa l’account non si potrà più recuperare. I tuoi dispositivi e le tue conversazioni restano come sono.
recovery-making = Preparo una chiave…

passkey-unsupported = Questo browser non ha le passkey.
passkey-called-off = Nessuna passkey è stata usata.
passkey-without-prf = Questa passkey non può custodire un segreto per Diario. Usane un’altra, o una chiave di recupero.

key-title = La tua chiave di recupero
key-what = Scrivi queste 24 parole, in quest’ordine. Si vedono solo questa volta.
key-keep = Chi ha queste parole ha il tuo account. Tienile su carta, dove tieni le cose più care.
key-copy = Copia
key-copied = Copiata
key-print = Stampa
key-in-english = In parole inglesi
key-in-italian = In parole italiane
key-written = Le ho scritte
key-ask-title = Tre delle parole
key-ask-what = Cercale sul tuo foglio.
key-word = Parola { $number }
key-confirm = Fatto
key-again = Mostra di nuovo le parole
key-done-title = Hai una chiave di recupero
key-done = Con questa riavrai il tuo account quando avrai perso tutti i dispositivi. Una chiave più vecchia non vale più nulla.
key-done-soon = Vale non appena è sul server. Lascia Diario aperto ancora un momento.
key-done-close = Bene

welcome-recover = Recupera il mio account
welcome-recover-hint = Hai una chiave di recupero o una passkey

recover-title = Recupera il mio account
recover-what = Con la tua chiave di recupero questo diventa un dispositivo principale del tuo account, e tornano tutte le tue conversazioni.
recover-name-hint = Il nome con cui gli altri ti trovano.
recover-words = Le 24 parole della tua chiave di recupero
recover-words-count = { $count } parole su 24
recover-words-good = Tutte e 24 le parole vanno insieme.
recover-submit = Avanti
recover-busy = Apro il tuo account…
recover-or = Oppure senza parole:
recover-by-passkey = Usa una passkey
recover-welcome = Eccoti di nuovo, { $name }
recover-devices = Quali dei tuoi dispositivi hai ancora? Quelli che non restano vengono esclusi subito.
recover-no-devices = Non ci sono altri dispositivi.
recover-keep = Resta
recover-keep-name = { $name } resta
recover-none-stay = Non ne resta nessuno
recover-finish = Recupera il mio account
recover-done = Recuperato. Le tue conversazioni stanno arrivando…

no-recovery-title = Se perdi tutti i dispositivi
no-recovery-what = Crea una chiave di recupero: 24 parole su carta che riportano il tuo account e tutte le conversazioni.
no-recovery-storage = Inoltre questo browser può cancellare ciò che conserva quando manca spazio.

problem-wrong-recovery-key = Questa non è una chiave di recupero di quell’account. Controlla il nome e ogni parola, e se hai creato una chiave più nuova.
problem-device-limit = Su questo server l’account può avere { $most } dispositivi. Almeno uno deve andarsene.
problem-word-count = Una chiave di recupero ha 24 parole, e queste sono { $count }.
problem-unknown-word = La parola { $number } non è una parola di una chiave di recupero.
problem-words-wrong = Queste parole non vanno insieme: almeno una è sbagliata o fuori posto.
problem-wrong-word = La parola { $number } è un’altra. Guarda il tuo foglio.
problem-no-recovery-key = Quella chiave non aspetta più. Creane una nuova.
problem-interrupted = Il recupero si è interrotto e nulla è cambiato. Ricomincialo.
problem-lie = Ciò che il server ha dato non è del tuo account. Nulla è cambiato. Chiedi a chi gestisce il server.

## L’ultimo passo di un nuovo account

begin-title = Se perdi tutti i dispositivi
begin-what = Il tuo account vive sui tuoi dispositivi e da nessun’altra parte. Una chiave di recupero lo riporta, con tutte le tue conversazioni.
begin-fact-paper = Sono 24 parole che scrivi su carta.
begin-fact-nobody = Non le ha nessun altro: né il server, né chi lo gestisce.
begin-fact-minutes = Bastano due minuti.
begin-passkey = Usa invece una passkey
begin-skip = Non ora
begin-skip-title = Proseguire senza chiave di recupero?
begin-skip-what = Se perdi questo dispositivo, o il browser cancella ciò che conserva, il tuo account e tutte le conversazioni sono persi per sempre. Nessuno può riportarli: né tu, né chi gestisce il server.
begin-skip-later = Puoi crearne una più tardi nelle impostazioni, alla voce Recupero.
begin-skip-yes = Prosegui senza
begin-skip-no = Indietro
