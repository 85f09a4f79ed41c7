# The shell, the list of conversations, the conversation.

skip = Vai a ciò che è aperto
back = Indietro
close = Chiudi
retry = Riprova
details = Dettagli
opening = Apro il tuo diario…
today = Oggi
yesterday = Ieri

## What is always there

conversations = Conversazioni
ways = Vai a
ways-new = Nuova conversazione
ways-devices = Dispositivi
ways-settings = Impostazioni
search = Cerca tra le conversazioni
search-nothing = Nessuna conversazione ha questo nome.
find-words = Cerca “{ $words }” nei messaggi
find-in = Cerca in questa conversazione
list-empty = Il tuo diario è ancora in bianco
list-empty-hint = Scrivi a qualcuno, e comincia.
nothing-open = Scegli una conversazione
nothing-open-hint = Può leggerla solo chi ne fa parte.

## How it stands with the server

status-idle = Non connesso
status-connected = Connesso
status-updating = Aggiornamento…
status-connecting = Connessione…
status-sending =
    { $count ->
        [one] Invio di un messaggio…
       *[other] Invio di { $count } messaggi…
    }
status-reconnecting = Nuovo tentativo tra { $seconds } s
status-offline = Senza rete
status-offline-waiting =
    { $count ->
        [one] Senza rete: { $count } messaggio in attesa
       *[other] Senza rete: { $count } messaggi in attesa
    }
status-try = Prova ora
banner-broken = Qualcosa non va con ciò che è salvato in questo browser. Ricarica la pagina per continuare da ciò che è al sicuro.
banner-reload = Ricarica
banner-broken-reload = Spesso basta ricaricare la pagina: prova prima così. I messaggi non ancora inviati vanno persi.
banner-held = I file sono in uso in un’altra scheda o finestra. Chiudila e riprova.
banner-elsewhere = Diario è aperto in un’altra scheda di questo browser. Continua lì, oppure chiudila per continuare qui.
banner-revoked = Questo dispositivo è stato rimosso dal tuo account. Puoi ancora leggere ciò che c’è, ma non arriva più nulla.
banner-expired = Il tempo di questo dispositivo è scaduto. Rinnovalo da un dispositivo principale, nella sua pagina dei dispositivi. Ciò che scrivi qui intanto resta, e parte allora.
banner-ends = Il tempo di questo dispositivo scade entro tre giorni. Prima apri Diario su un dispositivo principale, o rinnovalo da lì.
banner-memory = Questo browser non permette a Diario di conservare nulla. Ciò che leggi e scrivi qui sparisce quando lo chiudi.
banner-alarm = È arrivato qualcosa che nessun server o dispositivo onesto manda. È stato rifiutato, e qui nulla è cambiato.
banner-understood = Ho capito

## The list

draft = Bozza:
title-self = Note per te
title-group-empty = Gruppo
preview-mine = Tu: { $text }
preview-of = { $sender }: { $text }
typing = sta scrivendo…
typing-one = { $name } sta scrivendo…
typing-many = { $count } persone stanno scrivendo…
row-more = Cosa fare con { $title }
row-muted = Silenziata
row-pinned = Fissata in alto
row-verified = Verificata
row-key-changed = La chiave è cambiata
key-changed = { $name } è un altro account rispetto a prima, con un’altra chiave. Ha ricominciato da capo, o qualcuno si spaccia per questa persona. Chiedile per altre vie e confrontate il numero di sicurezza.
key-changed-verified = Avevi verificato { $name }. Questo è un altro account, con un’altra chiave: ha ricominciato da capo, o qualcuno si spaccia per questa persona. Chiedile per altre vie e confrontate il numero di sicurezza.
key-accept = Scrivi comunque
key-known = Lo so già
key-changed-group = Una persona di questo gruppo è un altro account rispetto a prima, con un’altra chiave. Guarda chi è prima di scrivere qualcosa di segreto.
key-changed-who = Guarda chi è
row-unread =
    { $count ->
        [one] { $count } messaggio non letto
       *[other] { $count } messaggi non letti
    }
menu = Conversazione
menu-pin = Fissa in alto
menu-unpin = Non fissare più
menu-mute = Silenzia
menu-unmute = Non silenziare più
menu-details = Dettagli

## How far a message has come

tick-clock = In attesa di invio
tick-sent = Inviato
tick-delivered = Consegnato
tick-read = Letto
tick-failed = Non inviato

## The conversation

conversation-unknown = Questa conversazione non è qui
conversation-to-list = Alle tue conversazioni
log = Messaggi con { $title }
log-older = Recupero i messaggi più vecchi…
log-missing-older = Carico i messaggi precedenti…
log-missing-newer = Carico i messaggi successivi…
log-missing-offline = Non è ancora su questo dispositivo. Arriva appena c’è connessione.
log-gap = Carico ciò che manca…
jump = Vai a una data
jump-title = Vai a una data
jump-date = Data
jump-go = Vai
jump-nothing = In questa conversazione non è ancora stato detto nulla.
log-empty = Una pagina bianca
log-empty-hint = Ciò che scrivi qui viene sigillato su questo dispositivo. Può aprirlo solo chi fa parte di questa conversazione.
log-empty-self = Ciò che scrivi qui possono leggerlo solo i tuoi dispositivi.
self-hint = Solo sui tuoi dispositivi
members-count =
    { $count ->
        [one] { $count } membro
       *[other] { $count } membri
    }
members-joined =
    { $count ->
        [one] { $names } è ora nella conversazione.
       *[other] { $names } sono ora nella conversazione.
    }
members-left =
    { $count ->
        [one] { $names } non è più nella conversazione.
       *[other] { $names } non sono più nella conversazione.
    }
members-changed = I membri sono cambiati.
unread-line = Nuovi messaggi
to-newest = Al messaggio più recente
to-newest-unread =
    { $count ->
        [one] Al messaggio più recente, { $count } non letto
       *[other] Al messaggio più recente, { $count } non letti
    }
message-you = Tu:
message-of = { $sender }:
message-waiting = In attesa della chiave di questo messaggio…
message-refused = Questo messaggio non è affidabile, e non viene mostrato.
message-erased = Eliminato da chi l’ha scritto.
message-gone = Non più conservato dal server.
message-failed = Non inviato.
message-resend = Invia di nuovo
message-discard = Elimina
composer-label = Messaggio a { $title }
composer-placeholder = Scrivi un messaggio
composer-send = Invia
composer-left = Non fai più parte di questa conversazione. Puoi ancora leggerla.
announce = Nuovo messaggio di { $sender } in { $title }: { $text }
announce-here = { $sender }: { $text }

## Keys

keys-title = Tasti
keys-search = Cerca
keys-find = Cerca nei messaggi
keys-new = Nuova conversazione
keys-previous = Conversazione precedente
keys-next = Conversazione successiva
keys-back = Torna all’elenco
keys-send = Invia
keys-break = A capo
keys-help = Questo aiuto
